//! Every way in which this system refuses.

use types::{Instant, OnceRefusal};

use super::TargetError;

/// A refusal: typed, and part of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum LinkError {
    #[error("a code is 3 to 32 of A-Z, a-z, 0-9, _ and -")]
    CodeInvalid,
    #[error("the code is a reserved word")]
    CodeReserved,
    #[error("the code belongs to another link")]
    CodeTaken,
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("a link lives for at least a second and at most 10 years; give ttl_seconds or expires_at, not both")]
    Expiry,
    #[error("a title has at most 200 characters")]
    Title,
    #[error("a link has at most 10 different tags of 1 to 50 characters")]
    Tags,
    #[error("max_clicks is 1 to 1,000,000,000")]
    MaxClicks,
    #[error("a password has 3 to 128 characters")]
    Password,
    #[error("a UTM value has 1 to 200 characters")]
    Utm,
    #[error(
        "a link has at most 20 rules; languages are BCP 47 tags, countries two capital letters, percentage is 1 to \
         100, after is before before"
    )]
    Rules,
    #[error("a link keeps its code: make another")]
    CodeStays,
    #[error("a batch has 1 to 100 links")]
    Batch,
    #[error("a picture is 64 to 2,048 pixels wide and has a margin of at most 16 modules")]
    Picture,
    #[error("a link of its own code is not looked for: leave out code or dedupe")]
    DedupeWithCode,
    #[error("a domain is a host name in ASCII, such as go.example.com")]
    DomainInvalid,
    #[error("the domain belongs to another caller")]
    DomainTaken,
    #[error("there is no such domain of yours")]
    DomainNotFound,
    #[error("there is no such link")]
    NotFound,
    #[error("there is no such request")]
    RequestNotFound,
    #[error("the link expired")]
    Expired { at: Instant },
    #[error("the link was opened as often as it may")]
    UsedUp { max_clicks: u64 },
    #[error("the link was disabled")]
    Disabled { at: Instant },
    #[error("the link opens with a password: POST it as password")]
    PasswordNeeded,
    #[error("this is not the link's password")]
    PasswordWrong,
    #[error(transparent)]
    Once(#[from] OnceRefusal),
}
