//! Refusals as HTTP problems.

use web::{Problem, StatusCode};

use crate::domain::{LinkError, TargetError};

impl From<LinkError> for Problem {
    fn from(refusal: LinkError) -> Self {
        let detail = refusal.to_string();
        let unprocessable = |kind, title| Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, title);
        let problem = match refusal {
            LinkError::CodeInvalid => unprocessable("url-shortener/code-invalid", "The code cannot be used"),
            LinkError::CodeReserved => unprocessable("url-shortener/code-reserved", "The code is reserved"),
            LinkError::CodeTaken => {
                Self::new(StatusCode::CONFLICT, "url-shortener/code-taken", "The code is already in use")
            }
            LinkError::Target(why) => {
                unprocessable("url-shortener/target-refused", "The URL cannot be shortened").with("reason", reason(why))
            }
            LinkError::Expiry => unprocessable("url-shortener/expiry-invalid", "The expiry cannot be used"),
            LinkError::Title => unprocessable("url-shortener/title-too-long", "The title is too long"),
            LinkError::Tags => unprocessable("url-shortener/tags-invalid", "The tags cannot be used"),
            LinkError::NotFound => Self::not_found("url-shortener/link-not-found", "There is no such link"),
            LinkError::Expired { at } => {
                Self::new(StatusCode::GONE, "url-shortener/link-expired", "The link has expired").with("expired_at", at)
            }
            LinkError::Disabled { at } => {
                Self::new(StatusCode::GONE, "url-shortener/link-disabled", "The link was disabled")
                    .with("disabled_at", at)
            }
            LinkError::Once(refusal) => return refusal.into(),
        };
        problem.detail(detail)
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
