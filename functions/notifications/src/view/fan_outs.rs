//! Fan-outs as callers see them.

use schemars::JsonSchema;
use serde::Serialize;
use types::{Instant, Priority};

use super::NotificationView;
use crate::domain::{Audience, FanOut, FanOutState, Said, Shard};
use crate::store::Found;

/// A notification to one user, or to many.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "NotificationOrFanOut")]
pub enum FoundView {
    /// To one.
    One(Box<NotificationView>),
    /// To many.
    Many(Box<FanOutView>),
}

impl From<Found> for FoundView {
    fn from(found: Found) -> Self {
        match found {
            Found::One(notification, deliveries) => {
                Self::One(Box::new(NotificationView::of(*notification, deliveries)))
            }
            Found::Many(fan_out, shards) => Self::Many(Box::new(FanOutView::of(*fan_out, &shards))),
        }
    }
}

/// A notification to many, and how many of them have one of their own.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "FanOut")]
pub struct FanOutView {
    /// Its id. Those of its users' notifications begin with it.
    pub notification_id: String,
    /// The topic, where it is to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The audience file, where it is a broadcast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience_id: Option<String>,
    /// The part of the file that is worked through, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Where it is.
    pub state: FanOutViewState,
    /// Why it failed: `audience-changed`, `audience-deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Users that were named; of a topic or a file, those that were found so far.
    pub recipients: u64,
    /// Users who have a notification of their own.
    pub expanded: u64,
    /// Users who could have none: the template did not render in their language, or it was too late by then. Lines of
    /// a file that name nobody count, too.
    pub refused: u64,
    /// Its title, where it says the same to all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its text, where it says the same to all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The template that says it …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// … and its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_version: Option<u64>,
    /// When it was accepted.
    pub created_at: Instant,
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Instant>,
    /// Not after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canceled_at: Option<Instant>,
}

/// Where a fan-out is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FanOutViewState {
    /// Its time is to come.
    Waiting,
    /// Its users are being given notifications of their own.
    Expanding,
    /// All of them were.
    Expanded,
    /// Nobody is given one until it is resumed.
    Paused,
    /// Its file is not the one that it was made for.
    Failed,
    /// It was taken back. Who had a notification by then keeps it.
    Canceled,
}

impl FanOutView {
    /// The JSON of a fan-out whose shards are so far.
    pub fn of(fan_out: FanOut, shards: &[Shard]) -> Self {
        let sum = |count: fn(&Shard) -> u64| shards.iter().map(count).sum::<u64>();
        let (expanded, refused) = (sum(|shard| shard.expanded), sum(|shard| shard.refused));
        let progress = fan_out.progress(shards);
        let state = match fan_out.state {
            FanOutState::Failed => FanOutViewState::Failed,
            _ if fan_out.is_expanded(shards) => FanOutViewState::Expanded,
            FanOutState::Paused => FanOutViewState::Paused,
            FanOutState::Waiting => FanOutViewState::Waiting,
            FanOutState::Canceled => FanOutViewState::Canceled,
            FanOutState::Open => FanOutViewState::Expanding,
        };
        let (mut topic, mut audience_id) = (None, None);
        let recipients = match fan_out.audience {
            Audience::Users(users) => users.len() as u64,
            Audience::Topic(name) => {
                topic = Some(name);
                expanded + refused
            }
            Audience::File(file) => {
                audience_id = Some(file.id);
                expanded + refused
            }
        };
        let (mut title, mut body, mut template, mut template_version) = (None, None, None, None);
        match fan_out.said {
            Said::Text(content) => (title, body) = (Some(content.title), Some(content.body)),
            Said::Template { id, version, .. } => (template, template_version) = (Some(id), Some(version)),
        }
        Self {
            notification_id: fan_out.id,
            topic,
            audience_id,
            progress,
            kind: fan_out.kind,
            priority: fan_out.priority,
            state,
            reason: fan_out.reason,
            recipients,
            expanded,
            refused,
            title,
            body,
            template,
            template_version,
            created_at: fan_out.created_at,
            send_at: fan_out.send_at,
            expires_at: fan_out.expires_at,
            canceled_at: fan_out.canceled_at,
        }
    }
}
