//! Whom a fan-out is to, and how these are divided.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::AudienceFile;
use crate::domain::{NotificationError, notification};

/// Most users that a request names.
pub const MOST_RECIPIENTS: usize = 100;
/// Users of a request's list that one worker expands, and of any page that are expanded at once.
pub const CHUNK: usize = 25;
/// Subscribers of a page: four chunks, some seconds of a worker.
pub const TOPIC_PAGE: u16 = 100;
/// Partitions of a topic. DynamoDB writes 1,000 units a second to a partition, so 16,000 users subscribe to one topic
/// in a second. Sixteen pages are worked through at once, so that one fan-out never has the queue to itself, and a
/// topic of few subscribers costs sixteen queries. It never changes: a user who subscribed in one partition would not
/// be found in another.
pub const TOPIC_SHARDS: u16 = 16;

/// Whom a fan-out is to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// These users, distinct.
    Users(Vec<String>),
    /// Whoever has subscribed to this topic when its page is read.
    Topic(String),
    /// Whoever this file names.
    File(AudienceFile),
}

impl Audience {
    /// A list of users.
    ///
    /// # Errors
    /// When it is empty, longer than [`MOST_RECIPIENTS`], names one twice, or one that nobody can be called.
    pub fn users(users: &[String]) -> Result<Self, NotificationError> {
        if !(1..=MOST_RECIPIENTS).contains(&users.len()) {
            return Err(NotificationError::Recipients("recipients are 1 to 100 users"));
        }
        let users = users.iter().map(|text| notification::user(text)).collect::<Result<Vec<_>, _>>()?;
        let distinct: BTreeSet<&String> = users.iter().collect();
        if distinct.len() < users.len() {
            return Err(NotificationError::Recipients("a recipient is named twice"));
        }
        Ok(Self::Users(users))
    }

    /// The subscribers of a topic.
    ///
    /// # Errors
    /// As [`topic`].
    pub fn topic(text: &str) -> Result<Self, NotificationError> {
        topic(text).map(Self::Topic)
    }

    /// Into how many shards it is divided.
    pub fn shards(&self) -> u16 {
        match self {
            Self::Users(users) => u16::try_from(users.len().div_ceil(CHUNK)).unwrap_or(u16::MAX),
            Self::Topic(_) => TOPIC_SHARDS,
            Self::File(file) => file.shards(),
        }
    }
}

/// A topic's name: no `#`, which stands between the parts of keys.
///
/// # Errors
/// When it is empty, longer than 128 or has other characters than a user's name.
pub fn topic(text: &str) -> Result<String, NotificationError> {
    notification::user(text).map_err(|_| NotificationError::Topic)
}

/// The partition of a topic that a user subscribes in: FNV-1a, folded, which spreads names that differ in one digit.
/// It depends on nothing but the name, as a secret may be replaced.
pub fn shard_of(user: &str) -> u16 {
    let hash = types::fnv1a(user);
    ((hash ^ (hash >> 32)) % u64::from(TOPIC_SHARDS)) as u16
}
