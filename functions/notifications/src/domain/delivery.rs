//! One notification to one address: its states, and what is to be done with it now.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::time::{millis, opt_millis};
use types::{Instant, Priority};

use super::{Channel, Notification, When};

/// When a delivery that failed is tried again: the pauses after its first attempt, its second, and so on. After the
/// last of them there is one more attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries(Vec<Duration>);

/// Most attempts after the first.
const MOST_RETRIES: usize = 10;
/// Longest pause between two of them.
const MOST_PAUSE: Duration = Duration::from_secs(86_400);

impl Retries {
    /// Reads seconds that are separated by commas: `300,1800,7200`, or `none`.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let pauses: Result<Vec<u64>, _> = text.split(',').map(str::parse).collect();
        let pauses: Vec<Duration> =
            pauses.map_err(|_| "expected seconds, separated by commas")?.into_iter().map(Duration::from_secs).collect();
        if pauses.len() > MOST_RETRIES || pauses.iter().any(|pause| pause.is_zero() || *pause > MOST_PAUSE) {
            return Err("expected at most 10 pauses of 1 s to a day");
        }
        Ok(Self(pauses))
    }
}

/// How long it may wait for a provider that has no time.
const MOST_WAIT: Duration = Duration::from_secs(86_400);

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits: for its worker, for its time, or for another attempt.
    Pending,
    /// A worker is at it. One that died leaves it so, and another takes over when the lease has passed.
    Leased,
    /// Its provider took it.
    Sent,
    /// It arrived, as far as its provider can tell.
    Delivered,
    /// It came back.
    Bounced,
    /// It was given up.
    Failed,
    /// It was not to be sent: see the reason.
    Skipped,
    /// It was taken back in time.
    Canceled,
    /// A digest has it, which is a notification of its own: see `digest`.
    Digested,
}

impl DeliveryState {
    /// Whether nothing is done about it any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Leased)
    }

    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Canceled => "canceled",
            Self::Digested => "digested",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A notification to one address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Whose.
    pub tenant: String,
    /// Of which notification.
    pub notification: String,
    /// To which user.
    pub user: String,
    /// By which channel.
    pub channel: Channel,
    /// To which of the user's addresses; empty where there is none.
    pub address: String,
    /// In which queue it waits.
    pub priority: Priority,
    /// The notification's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collapse_key: Option<String>,
    /// Where it is.
    pub state: DeliveryState,
    /// Why it is there: `opted-out-channel`, `quiet-hours`, what the provider said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Not before.
    #[serde(with = "millis")]
    pub due_at: Instant,
    /// Attempts begun.
    #[serde(default)]
    pub attempts: u32,
    /// Attempts whose outcome is known. Where fewer than were begun, a worker died or an answer was lost, and it may
    /// have been sent twice.
    #[serde(default)]
    pub answered: u32,
    /// Attempts that failed, and count as such: one that its provider had no time for does not.
    #[serde(default)]
    pub failures: u32,
    /// When it was made.
    #[serde(with = "millis")]
    pub created_at: Instant,
    /// Who sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The provider's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// When its provider took it.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Instant>,
    /// When it arrived.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Instant>,
    /// When it was opened first.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Instant>,
    /// When a link in it was followed first.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub clicked_at: Option<Instant>,
    /// It is sent only if others did not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// Since when its provider has had no time for it.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<Instant>,
    /// When it has its turn at its provider: it need not ask for one when it is due then.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Instant>,
    /// The notification that is the digest which took it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// When it is forgotten, in seconds since the epoch.
    pub purge_at: i64,
}

/// The worker's message: which delivery to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Errand {
    /// Version of this shape.
    pub v: u8,
    /// Whose.
    pub tenant: String,
    /// To which user.
    pub user: String,
    /// Of which notification.
    pub notification: String,
    /// By which channel.
    pub channel: Channel,
    /// To which address.
    pub address: String,
    /// In which queue it waits.
    pub priority: Priority,
    /// When it was due as this was sent: who sent it found that it is, by whichever clock.
    #[serde(with = "millis")]
    pub due_at: Instant,
    /// The notification's: all that a worker needs is read at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collapse_key: Option<String>,
}

impl Delivery {
    /// A delivery that waits until `due_at`.
    pub fn new(of: &Notification, channel: Channel, address: &str, due_at: Instant) -> Self {
        Self {
            tenant: of.tenant.clone(),
            notification: of.id.clone(),
            user: of.user.clone(),
            channel,
            address: address.to_owned(),
            priority: of.priority,
            collapse_key: of.collapse_key.clone(),
            state: DeliveryState::Pending,
            reason: None,
            due_at,
            attempts: 0,
            answered: 0,
            failures: 0,
            created_at: of.created_at,
            provider: None,
            provider_id: None,
            sent_at: None,
            delivered_at: None,
            opened_at: None,
            clicked_at: None,
            when: None,
            waits_since: None,
            turn: None,
            digest: None,
            purge_at: of.purge_at,
        }
    }

    /// The same, not to be sent.
    #[must_use]
    pub fn skipped(self, reason: impl Into<String>) -> Self {
        Self { state: DeliveryState::Skipped, reason: Some(reason.into()), ..self }
    }

    /// What its worker is told.
    pub fn errand(&self) -> Errand {
        Errand {
            v: 1,
            tenant: self.tenant.clone(),
            user: self.user.clone(),
            notification: self.notification.clone(),
            channel: self.channel,
            address: self.address.clone(),
            priority: self.priority,
            due_at: self.due_at,
            collapse_key: self.collapse_key.clone(),
        }
    }

    /// Whether it waits from its making on, so that nothing but its time brings it to a queue.
    pub fn is_for_later(&self) -> bool {
        self.due_at > self.created_at
    }

    /// When it is tried again after one more attempt failed: `None` where it was the last.
    pub fn retry_at(&self, now: Instant, retries: &Retries) -> Option<Instant> {
        retries.0.get(usize::try_from(self.failures).unwrap_or(usize::MAX)).map(|&pause| now + pause)
    }

    /// Whether its provider has had no time for it for so long that it is given up.
    pub fn waits_too_long(&self, now: Instant) -> bool {
        self.waits_since.is_some_and(|since| since + MOST_WAIT <= now)
    }

    /// How long it is left alone by a provider that has no time: the longer, the longer it has waited.
    pub fn pause(&self, now: Instant) -> Duration {
        let waited = self.waits_since.map_or(Duration::ZERO, |since| since.until(now));
        (waited / 8).clamp(Duration::from_secs(60), Duration::from_secs(30 * 60))
    }

    /// Attempts, the one under way left out, whose outcome nobody knows: each may have reached the user.
    pub fn unknown(&self) -> u32 {
        let under_way = u32::from(self.state == DeliveryState::Leased);
        self.attempts.saturating_sub(self.answered).saturating_sub(under_way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_seconds_and_bounded() {
        let seconds = |all: &[u64]| Ok(Retries(all.iter().map(|&it| Duration::from_secs(it)).collect()));
        assert_eq!(Retries::parse("300,1800,7200"), seconds(&[300, 1800, 7200]));
        assert_eq!(Retries::parse("none"), seconds(&[]));
        for bad in ["", "0", "5m", "1,,2", "-1", "86401", "1,1,1,1,1,1,1,1,1,1,1"] {
            assert!(Retries::parse(bad).is_err(), "{bad}");
        }
    }
}
