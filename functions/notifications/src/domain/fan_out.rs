//! One notification to many users: what is kept of it, and how far its expansion is.
//!
//! Its users are divided into shards, and each shard is worked through a page at a time. A page is committed by the
//! number it has, so a page that is worked on twice is counted once; who gets a notification has it under an id that
//! derives from the fan-out's and the user's, so it is made once.

mod audience;
mod file;
mod shard;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use types::time::{millis, opt_millis};
use types::{Instant, Priority};

use super::notification::KEPT;
use super::template::Rendered;
use super::{Channel, Fallback, Locale, Notification, NotificationError, Template, TemplateError};
pub use audience::{Audience, CHUNK, TOPIC_PAGE, TOPIC_SHARDS, shard_of, topic};
pub use file::{AudienceFile, FILE_PAGE, Lines, MOST_AHEAD_OF_FILE, MOST_FILE_BYTES, WINDOW};
pub use shard::{Shard, ShardState, Step, Worked};

/// What a fan-out says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The same to all.
    Text(Rendered),
    /// What a template says, in each user's language.
    Template {
        /// The template.
        id: String,
        /// Its version when the fan-out was accepted: all users are told by the same one.
        version: u64,
        /// Its variables, as JSON.
        payload: String,
    },
}

/// Where a fan-out is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FanOutState {
    /// Its time is to come.
    Waiting,
    /// It is expanded, as far as its shards say.
    Open,
    /// It is not expanded until it is resumed.
    Paused,
    /// It was taken back.
    Canceled,
    /// It cannot be expanded.
    Failed,
}

impl FanOutState {
    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
        }
    }
}

/// One notification to many users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FanOut {
    /// Whose.
    pub tenant: String,
    /// Sorts by the time of its making.
    pub id: String,
    /// To whom.
    pub audience: Audience,
    /// Into how many shards these are divided.
    pub shards: u16,
    /// What it is about.
    pub kind: String,
    /// How urgent it is.
    pub priority: Priority,
    /// By which channels; empty for all that a user can be reached by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// What it says.
    pub said: Said,
    /// What goes along for programs, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// A newer notification of the same key takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collapse_key: Option<String>,
    /// What is tried where the first channel does not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// Where it is.
    pub state: FanOutState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was made.
    #[serde(with = "millis")]
    pub created_at: Instant,
    /// It is not expanded before.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Instant>,
    /// Nobody is told after.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When it was taken back.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub canceled_at: Option<Instant>,
    /// When it is forgotten, in seconds since the epoch.
    pub purge_at: i64,
}

impl FanOut {
    /// When it is expanded.
    pub fn due_at(&self) -> Instant {
        self.send_at.map_or(self.created_at, |at| at.max(self.created_at))
    }

    /// The notification of one of its users, made now.
    pub fn notification(&self, id: String, user: &str, content: Rendered, now: Instant) -> Notification {
        let template = match &self.said {
            Said::Text(_) => None,
            Said::Template { id, version, .. } => Some((id.clone(), *version)),
        };
        Notification {
            tenant: self.tenant.clone(),
            id,
            user: user.to_owned(),
            kind: self.kind.clone(),
            priority: self.priority,
            channels: self.channels.clone(),
            content,
            template,
            data: self.data.clone(),
            collapse_key: self.collapse_key.clone(),
            fallback: self.fallback,
            digest: false,
            created_at: now,
            send_at: None,
            expires_at: self.expires_at,
            canceled_at: None,
            purge_at: (now + KEPT).seconds(),
        }
    }

    /// Whether its times, key and fallback can be.
    ///
    /// # Errors
    /// As [`Notification::check`].
    pub fn check(&self) -> Result<(), NotificationError> {
        let any = self.notification(self.id.clone(), "", Rendered::default(), self.created_at);
        Notification { send_at: self.send_at, ..any }.check()
    }

    /// What it says to a user of this language. `template` is the one that it names.
    ///
    /// # Errors
    /// What the template fails of in this language.
    pub fn content(&self, template: Option<&Template>, locale: Option<&Locale>) -> Result<Rendered, TemplateError> {
        match (&self.said, template) {
            (Said::Text(content), _) => Ok(content.clone()),
            (Said::Template { payload, .. }, Some(template)) => {
                let payload: Map<String, Value> = serde_json::from_str(payload).unwrap_or_default();
                template.render(locale, &payload).map(|(_, content)| content)
            }
            (Said::Template { .. }, None) => Err(TemplateError::NoDefaultLocale),
        }
    }

    /// Whether all its shards are worked through.
    pub fn is_expanded(&self, shards: &[Shard]) -> bool {
        shards.iter().filter(|shard| shard.state == ShardState::Done).count() == usize::from(self.shards)
    }

    /// The part of its audience file that its shards have worked through, from 0 to 1; none where it has no file.
    pub fn progress(&self, shards: &[Shard]) -> Option<f64> {
        let Audience::File(file) = &self.audience else { return None };
        let done = |shard: &Shard| {
            let (from, to) = file.range(shard.shard);
            match shard.state {
                ShardState::Done => to - from,
                _ => shard.position(from).clamp(from, to) - from,
            }
        };
        let done: u64 = shards.iter().map(done).sum();
        Some((done as f64 / file.bytes.max(1) as f64 * 1000.0).floor() / 1000.0)
    }

    /// What its workers are asked to do once it is open: each shard's next page.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        (0..self.shards).map(|shard| Step { shard: Some(shard), ..self.beginning() })
    }

    /// What its worker is asked to do when its time has come.
    pub fn beginning(&self) -> Step {
        Step { v: 1, tenant: self.tenant.clone(), fan_out: self.id.clone(), shard: None, page: None }
    }

    /// A shard that nobody has begun.
    pub fn shard(&self, shard: u16) -> Shard {
        Shard {
            tenant: self.tenant.clone(),
            notification: self.id.clone(),
            shard,
            priority: self.priority,
            state: ShardState::Open,
            page: 0,
            after: String::new(),
            expanded: 0,
            refused: 0,
            purge_at: self.purge_at,
        }
    }
}
