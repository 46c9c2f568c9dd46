//! What is to be told to whom.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Instant;
use types::Priority;
use types::time::{millis, opt_millis};

use super::template::Rendered;
use super::{Channel, Delivery, DeliveryState, NotificationError};

/// How long a notification and what became of it are kept (guide 004: 30 days).
pub const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// The farthest time that a notification may be sent at.
pub const MOST_AHEAD: Duration = Duration::from_secs(365 * 86_400);
/// Largest `data`, in bytes of JSON: APNs takes 4 KB for the whole payload.
pub const MOST_DATA_BYTES: usize = 2048;
/// Longest collapse key, in bytes (APNs, `apns-collapse-id`).
const MOST_COLLAPSE_BYTES: usize = 64;

/// A notification to one user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Whose.
    pub tenant: String,
    /// Sorts by the time of its making.
    pub id: String,
    /// To which user.
    pub user: String,
    /// What it is about, by which users opt out: `order_shipped`.
    pub kind: String,
    /// How urgent it is.
    pub priority: Priority,
    /// By which channels; empty for all that the user can be reached by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// What it says.
    pub content: Rendered,
    /// The template that it was made of, and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<(String, u64)>,
    /// What goes along for programs, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// A newer notification of the same key takes its place while it waits, and where it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collapse_key: Option<String>,
    /// What is tried where the first channel does not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// Whether it is a digest of others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub digest: bool,
    /// When it was made.
    #[serde(with = "millis")]
    pub created_at: Instant,
    /// Not before.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Instant>,
    /// Not after.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When it was taken back.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub canceled_at: Option<Instant>,
    /// When it is forgotten, in seconds since the epoch.
    pub purge_at: i64,
}

/// A channel that is used where others did not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// The channel.
    pub channel: Channel,
    /// How long the others are given, in minutes.
    #[serde(default = "a_quarter")]
    #[schemars(range(min = 1, max = 10_080))]
    pub after_minutes: u16,
    /// What makes it needed.
    #[serde(default)]
    pub when: When,
}

fn a_quarter() -> u16 {
    15
}

/// What makes a fallback needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// By then no provider took the notification by another channel.
    #[default]
    Failed,
    /// By then nobody opened it, and it is unread in the inbox.
    Unread,
}

/// How a notification stands, by its deliveries (guides 000 and 004).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// Something of it is still to be sent.
    Pending,
    /// All that was sent of it was taken or arrived.
    Delivered,
    /// Some of it was, some failed or came back.
    Partial,
    /// All of it failed or came back.
    Failed,
    /// It waits in a digest, or went with one, whose own notification tells what became of it.
    Digested,
    /// Nothing of it was to be sent.
    Skipped,
    /// It was taken back before anything was sent.
    Canceled,
}

impl NotificationState {
    /// The state of a notification whose deliveries are these.
    pub fn of(deliveries: &[Delivery]) -> Self {
        let count = |states: &[DeliveryState]| deliveries.iter().filter(|it| states.contains(&it.state)).count();
        let (good, bad) = (
            count(&[DeliveryState::Sent, DeliveryState::Delivered]),
            count(&[DeliveryState::Failed, DeliveryState::Bounced]),
        );
        match (count(&[DeliveryState::Pending, DeliveryState::Leased]), good, bad) {
            (1.., ..) => Self::Pending,
            (0, 1.., 0) => Self::Delivered,
            (0, 1.., 1..) => Self::Partial,
            (0, 0, 1..) => Self::Failed,
            (0, 0, 0) if count(&[DeliveryState::Digested]) > 0 => Self::Digested,
            (0, 0, 0) if count(&[DeliveryState::Canceled]) > 0 => Self::Canceled,
            (0, 0, 0) => Self::Skipped,
        }
    }
}

impl Notification {
    /// When it is to be sent.
    pub fn due_at(&self) -> Instant {
        self.send_at.map_or(self.created_at, |at| at.max(self.created_at))
    }

    /// Whether its times, key and fallback can be.
    ///
    /// # Errors
    /// With what cannot.
    pub fn check(&self) -> Result<(), NotificationError> {
        let now = self.created_at;
        if self.send_at.is_some_and(|at| at > now + MOST_AHEAD) {
            return Err(NotificationError::Time("send_at is more than a year ahead"));
        }
        if self.expires_at.is_some_and(|at| at <= self.due_at()) {
            return Err(NotificationError::Time("expires_at is not after the time to send it"));
        }
        if self.expires_at.is_some_and(|at| at > now + MOST_AHEAD * 2) {
            return Err(NotificationError::Time("expires_at is more than two years ahead"));
        }
        if !self.collapse_key.as_deref().is_none_or(is_collapse_key) {
            return Err(NotificationError::CollapseKey);
        }
        if self.data.as_ref().is_some_and(|data| data.len() > MOST_DATA_BYTES) {
            return Err(NotificationError::Data);
        }
        let mut channels = self.channels.clone();
        channels.sort_unstable();
        channels.dedup();
        if channels.len() != self.channels.len() {
            return Err(NotificationError::Channels("a channel is named twice"));
        }
        match self.fallback {
            Some(fallback) if channels.is_empty() || channels.contains(&fallback.channel) => {
                Err(NotificationError::Channels("a fallback needs channels without its own"))
            }
            Some(fallback) if !(1..=10_080).contains(&fallback.after_minutes) => {
                Err(NotificationError::Channels("after_minutes is 1 to 10080"))
            }
            _ => Ok(()),
        }
    }
}

/// A user's name with its tenant: no `#`, which stands between the parts of keys.
///
/// # Errors
/// When it is empty, longer than 128 or has other characters than letters, digits and `._:@+-`.
pub fn user(text: &str) -> Result<String, NotificationError> {
    let right = (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:@+-".contains(&byte));
    right.then(|| text.to_owned()).ok_or(NotificationError::User)
}

fn is_collapse_key(text: &str) -> bool {
    (1..=MOST_COLLAPSE_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}
