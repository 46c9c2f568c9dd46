//! Refusals as HTTP problems.

use web::{Kind, Problem};

use crate::domain::{LinkError, TargetError};

web::problems! {
    CODE_INVALID = UNPROCESSABLE_ENTITY "url-shortener/code-invalid" "The code cannot be used";
    CODE_RESERVED = UNPROCESSABLE_ENTITY "url-shortener/code-reserved" "The code is reserved";
    CODE_TAKEN = CONFLICT "url-shortener/code-taken" "The code is already in use";
    CODE_STAYS = UNPROCESSABLE_ENTITY "url-shortener/code-stays" "A link keeps its code";
    TARGET_REFUSED = UNPROCESSABLE_ENTITY "url-shortener/target-refused" "The URL cannot be shortened";
    EXPIRY_INVALID = UNPROCESSABLE_ENTITY "url-shortener/expiry-invalid" "The expiry cannot be used";
    TITLE_TOO_LONG = UNPROCESSABLE_ENTITY "url-shortener/title-too-long" "The title is too long";
    TAGS_INVALID = UNPROCESSABLE_ENTITY "url-shortener/tags-invalid" "The tags cannot be used";
    MAX_CLICKS_INVALID = UNPROCESSABLE_ENTITY "url-shortener/max-clicks-invalid" "The limit of clicks cannot be used";
    PASSWORD_INVALID = UNPROCESSABLE_ENTITY "url-shortener/password-invalid" "The password cannot be used";
    UTM_INVALID = UNPROCESSABLE_ENTITY "url-shortener/utm-invalid" "The UTM parameters cannot be used";
    RULES_INVALID = UNPROCESSABLE_ENTITY "url-shortener/rules-invalid" "The redirect rules cannot be used";
    BATCH_INVALID = UNPROCESSABLE_ENTITY "url-shortener/batch-invalid" "The batch is empty or too large";
    PICTURE_INVALID = BAD_REQUEST "url-shortener/picture-invalid" "There is no such picture";
    DEDUPE_WITH_CODE = UNPROCESSABLE_ENTITY "url-shortener/dedupe-with-code" "A code and dedupe exclude each other";
    DOMAIN_INVALID = UNPROCESSABLE_ENTITY "url-shortener/domain-invalid" "The domain cannot be used";
    DOMAIN_TAKEN = CONFLICT "url-shortener/domain-taken" "The domain belongs to another caller";
    DOMAIN_NOT_FOUND = NOT_FOUND "url-shortener/domain-not-found" "There is no such domain";
    LINK_NOT_FOUND = NOT_FOUND "url-shortener/link-not-found" "There is no such link";
    REQUEST_NOT_FOUND = NOT_FOUND "url-shortener/request-not-found" "There is no such request";
    LINK_EXPIRED = GONE "url-shortener/link-expired" "The link has expired";
    LINK_USED_UP = GONE "url-shortener/link-used-up" "The link was opened as often as it may";
    LINK_DISABLED = GONE "url-shortener/link-disabled" "The link was disabled";
    PASSWORD_NEEDED = FORBIDDEN "url-shortener/password-needed" "The link opens with a password";
    PASSWORD_WRONG = FORBIDDEN "url-shortener/password-wrong" "This is not the link's password";
    BITLY_URL_INVALID = BAD_REQUEST "url-shortener/target-refused" "The URL cannot be shortened";
}

impl From<LinkError> for Problem {
    fn from(refusal: LinkError) -> Self {
        let detail = refusal.to_string();
        let problem = match refusal {
            LinkError::Target(why) => Self::of(TARGET_REFUSED).with("reason", reason(why)),
            LinkError::Expired { at } => Self::of(LINK_EXPIRED).with("expired_at", at),
            LinkError::UsedUp { max_clicks } => Self::of(LINK_USED_UP).with("max_clicks", max_clicks),
            LinkError::Disabled { at } => Self::of(LINK_DISABLED).with("disabled_at", at),
            LinkError::Once(refusal) => return refusal.into(),
            other => Self::of(kind(&other)),
        };
        problem.detail(detail)
    }
}

/// The type of a refusal that has nothing to add.
fn kind(refusal: &LinkError) -> Kind {
    match refusal {
        LinkError::CodeInvalid => CODE_INVALID,
        LinkError::CodeReserved => CODE_RESERVED,
        LinkError::CodeTaken => CODE_TAKEN,
        LinkError::CodeStays => CODE_STAYS,
        LinkError::Target(_) => TARGET_REFUSED,
        LinkError::Expiry => EXPIRY_INVALID,
        LinkError::Title => TITLE_TOO_LONG,
        LinkError::Tags => TAGS_INVALID,
        LinkError::MaxClicks => MAX_CLICKS_INVALID,
        LinkError::Password => PASSWORD_INVALID,
        LinkError::Utm => UTM_INVALID,
        LinkError::Rules => RULES_INVALID,
        LinkError::Batch => BATCH_INVALID,
        LinkError::Picture => PICTURE_INVALID,
        LinkError::DedupeWithCode => DEDUPE_WITH_CODE,
        LinkError::DomainInvalid => DOMAIN_INVALID,
        LinkError::DomainTaken => DOMAIN_TAKEN,
        LinkError::DomainNotFound => DOMAIN_NOT_FOUND,
        LinkError::NotFound => LINK_NOT_FOUND,
        LinkError::RequestNotFound => REQUEST_NOT_FOUND,
        LinkError::Expired { .. } => LINK_EXPIRED,
        LinkError::UsedUp { .. } => LINK_USED_UP,
        LinkError::Disabled { .. } => LINK_DISABLED,
        LinkError::PasswordNeeded => PASSWORD_NEEDED,
        LinkError::PasswordWrong => PASSWORD_WRONG,
        LinkError::Once(_) => web::shared::IDEMPOTENCY_KEY_IN_PROGRESS,
    }
}

fn reason(why: TargetError) -> &'static str {
    match why {
        TargetError::NotAUrl => "not-a-url",
        TargetError::Scheme => "scheme",
        TargetError::TooLong => "too-long",
        TargetError::Credentials => "credentials",
        TargetError::PrivateHost => "private-host",
        TargetError::Loop => "loop",
    }
}
