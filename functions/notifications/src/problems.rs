//! Refusals as HTTP problems.

use web::{Kind, Problem};

use crate::domain::{NotificationError, TemplateError};

web::problems! {
    USER_INVALID = UNPROCESSABLE_ENTITY "notifications/user-invalid" "The user cannot be called this";
    RECIPIENTS_INVALID = UNPROCESSABLE_ENTITY "notifications/recipients-invalid" "It cannot be told whom to notify";
    TOPIC_INVALID = UNPROCESSABLE_ENTITY "notifications/topic-invalid" "The topic cannot be called this";
    AUDIENCE_NOT_FOUND = NOT_FOUND "notifications/audience-not-found" "There is no such audience file";
    AUDIENCE_INVALID = UNPROCESSABLE_ENTITY "notifications/audience-invalid" "The audience file cannot be used";
    NOTIFICATION_TO_ONE = CONFLICT "notifications/notification-to-one" "The notification is to one user";
    TYPE_INVALID = UNPROCESSABLE_ENTITY "notifications/type-invalid" "The type cannot be called this";
    CONTENT_INVALID = UNPROCESSABLE_ENTITY "notifications/content-invalid" "The notification says nothing, or too much";
    DATA_INVALID = UNPROCESSABLE_ENTITY "notifications/data-invalid" "The data is too large";
    COLLAPSE_KEY_INVALID = UNPROCESSABLE_ENTITY "notifications/collapse-key-invalid" "The collapse key cannot be used";
    CHANNELS_INVALID = UNPROCESSABLE_ENTITY "notifications/channels-invalid" "The channels do not go together";
    TIME_INVALID = UNPROCESSABLE_ENTITY "notifications/time-invalid" "The times do not go together";
    NOTIFICATION_NOT_FOUND = NOT_FOUND "notifications/notification-not-found" "There is no such notification";
    NOTIFICATION_SENT = CONFLICT "notifications/notification-sent" "Nothing of the notification waits any more";
    TEMPLATE_NOT_FOUND = NOT_FOUND "notifications/template-not-found" "There is no such template";
    TEMPLATE_ID_INVALID = UNPROCESSABLE_ENTITY "notifications/template-id-invalid" "The template cannot be called this";
    TEMPLATE_INVALID = UNPROCESSABLE_ENTITY "notifications/template-invalid" "The template cannot be used";
    VARIABLES_MISSING = UNPROCESSABLE_ENTITY "notifications/variables-missing" "The template needs more variables";
    ADDRESS_INVALID = UNPROCESSABLE_ENTITY "notifications/address-invalid" "The address cannot be used";
    ADDRESS_NOT_FOUND = NOT_FOUND "notifications/address-not-found" "There is no such address";
    ADDRESSES_FULL = CONFLICT "notifications/addresses-full" "The user has no room for another address";
    COUNTRY_REFUSED = UNPROCESSABLE_ENTITY "notifications/country-refused" "Text messages are not sent to this country";
    PUSH_NOT_SET_UP = CONFLICT "notifications/push-not-set-up" "Pushes to this platform are not set up";
    PREFERENCES_INVALID = UNPROCESSABLE_ENTITY "notifications/preferences-invalid" "The preferences cannot be used";
    LINK_INVALID = NOT_FOUND "notifications/link-invalid" "The link does not work, or not any more";
    INBOX_TOKEN_INVALID = FORBIDDEN "notifications/inbox-token-invalid" "The token opens no inbox, or not any more";
    CONNECTIONS_FULL = CONFLICT "notifications/connections-full" "The user has no room for another connection";
    ITEM_NOT_FOUND = NOT_FOUND "notifications/item-not-found" "There is no such item in the inbox";
    BATCH_INVALID = UNPROCESSABLE_ENTITY "notifications/batch-invalid" "The batch is empty or too long";
}

impl From<NotificationError> for Problem {
    fn from(refusal: NotificationError) -> Self {
        let detail = refusal.to_string();
        let problem = match refusal {
            NotificationError::Version(version) => Self::of(web::shared::PRECONDITION_FAILED).with("version", version),
            NotificationError::Template(TemplateError::Missing { names }) => {
                Self::of(VARIABLES_MISSING).with("names", names)
            }
            NotificationError::Once(refusal) => return refusal.into(),
            other => Self::of(kind(&other)),
        };
        problem.detail(detail)
    }
}

/// The type of a refusal that has nothing to add.
fn kind(refusal: &NotificationError) -> Kind {
    match refusal {
        NotificationError::User => USER_INVALID,
        NotificationError::To | NotificationError::Recipients(_) => RECIPIENTS_INVALID,
        NotificationError::Topic => TOPIC_INVALID,
        NotificationError::NoAudience => AUDIENCE_NOT_FOUND,
        NotificationError::Audience(_) => AUDIENCE_INVALID,
        NotificationError::ToOne => NOTIFICATION_TO_ONE,
        NotificationError::Kind => TYPE_INVALID,
        NotificationError::Content | NotificationError::Text => CONTENT_INVALID,
        NotificationError::Data => DATA_INVALID,
        NotificationError::CollapseKey => COLLAPSE_KEY_INVALID,
        NotificationError::Channels(_) => CHANNELS_INVALID,
        NotificationError::Time(_) => TIME_INVALID,
        NotificationError::NotFound => NOTIFICATION_NOT_FOUND,
        NotificationError::TooLate => NOTIFICATION_SENT,
        NotificationError::NoTemplate(_) => TEMPLATE_NOT_FOUND,
        NotificationError::TemplateId => TEMPLATE_ID_INVALID,
        NotificationError::Template(_) => TEMPLATE_INVALID,
        NotificationError::Version(_) => web::shared::PRECONDITION_FAILED,
        NotificationError::Address(_) | NotificationError::OtherChannel(_) => ADDRESS_INVALID,
        NotificationError::Country => COUNTRY_REFUSED,
        NotificationError::TooManyAddresses => ADDRESSES_FULL,
        NotificationError::NoAddress => ADDRESS_NOT_FOUND,
        NotificationError::NoPushApplication(_) => PUSH_NOT_SET_UP,
        NotificationError::Preferences(_) => PREFERENCES_INVALID,
        NotificationError::Token => LINK_INVALID,
        NotificationError::InboxToken => INBOX_TOKEN_INVALID,
        NotificationError::TooManyConnections => CONNECTIONS_FULL,
        NotificationError::NoItem => ITEM_NOT_FOUND,
        NotificationError::Batch => BATCH_INVALID,
        NotificationError::Once(_) => web::shared::IDEMPOTENCY_KEY_IN_PROGRESS,
    }
}
