//! Why the system refuses.

use types::OnceRefusal;

use super::TemplateError;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum NotificationError {
    #[error("a user's name has 1 to 128 letters, digits and ._:@+-")]
    User,
    #[error("say one of user_id, recipients and topic; a broadcast has its audience_id")]
    To,
    #[error("there is no such audience file: ask for a URL, and put it there")]
    NoAudience,
    #[error("{0}")]
    Audience(String),
    #[error("only what is to many can be paused")]
    ToOne,
    #[error("{0}")]
    Recipients(&'static str),
    #[error("a topic's name has 1 to 128 letters, digits and ._:@+-")]
    Topic,
    #[error("a type has 1 to 64 lower-case letters, digits and _.-, and begins with a letter or digit")]
    Kind,
    #[error("say template, or title and body, and not both")]
    Content,
    #[error("the title has 1 to 200 characters, the body 1 to 4,000")]
    Text,
    #[error("the data is larger than 2,048 bytes of JSON")]
    Data,
    #[error("a collapse key has 1 to 64 letters, digits and ._:-")]
    CollapseKey,
    #[error("{0}")]
    Channels(&'static str),
    #[error("{0}")]
    Time(&'static str),
    #[error("there is no such notification")]
    NotFound,
    #[error("nothing of it waits any more")]
    TooLate,
    #[error("there is no template {0:?}")]
    NoTemplate(String),
    #[error("a template's id has 1 to 64 lower-case letters, digits and _.-, and begins with a letter or digit")]
    TemplateId,
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("it is at version {}", .0.map_or_else(|| "none".to_owned(), |version| version.to_string()))]
    Version(Option<u64>),
    #[error("{0}")]
    Address(&'static str),
    #[error("text messages are not sent to this country")]
    Country,
    #[error("a user has at most {} addresses", super::MOST_ADDRESSES)]
    TooManyAddresses,
    #[error("there is no such address")]
    NoAddress,
    #[error("only a {0} has this")]
    OtherChannel(&'static str),
    #[error("this stage has no application for {0} in SNS")]
    NoPushApplication(&'static str),
    #[error("{0}")]
    Preferences(&'static str),
    #[error("the link is not of this service, or is too old")]
    Token,
    #[error("the token opens no inbox, or not any more: ask for another")]
    InboxToken,
    #[error("a user has at most {} connections to the inbox", super::MOST_CONNECTIONS)]
    TooManyConnections,
    #[error("there is no such item in the inbox")]
    NoItem,
    #[error("a batch has 1 to 25 notifications")]
    Batch,
    #[error(transparent)]
    Once(#[from] OnceRefusal),
}
