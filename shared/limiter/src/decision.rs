//! What is answered to a request.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use types::Instant;

use crate::limit::Limit;

/// Why it was decided so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There was room, and it was taken.
    Admitted,
    /// Units were given back.
    Refunded,
    /// No dimension has a limit for this tier.
    Unlimited,
    /// A bucket has no room.
    Denied,
    /// The key went on asking and is banned.
    Banned,
    /// It would have been denied; the policy only watches.
    Shadow,
    /// The table did not say in time, and the policy lets through.
    FailedOpen,
    /// The table did not say in time, and the policy refuses.
    FailedClosed,
}

/// How one dimension stands after the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub dimension: String,
    /// Its limit, for the request's tier.
    pub limit: Limit,
    /// Most units at once.
    pub most: u64,
    /// Units left.
    pub remaining: u64,
    /// When all that was taken counts no more.
    pub reset_at: Instant,
    /// Where it refused the request: when there will be room, if nobody else takes any.
    pub retry_at: Option<Instant>,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may go on.
    pub allowed: bool,
    /// Why.
    pub reason: Reason,
    /// The dimensions that have a limit, in the policy's order; none where the table did not say.
    pub parts: Vec<Part>,
    /// Leaky bucket: how long the request has to wait for its turn.
    pub wait: Duration,
}

impl Decision {
    /// A decision that tells of no dimension.
    pub fn bare(allowed: bool, reason: Reason) -> Self {
        Self { allowed, reason, parts: Vec::new(), wait: Duration::ZERO }
    }

    /// The dimension that tells most: of those that refused the one that does so for longest, else the one with the
    /// least room.
    pub fn telling(&self) -> Option<&Part> {
        let refusing = self.parts.iter().filter(|part| part.retry_at.is_some()).max_by_key(|part| part.retry_at);
        let share = |part: &&Part| u128::from(part.remaining) * 1_000_000 / u128::from(part.most.max(1));
        refusing.or_else(|| self.parts.iter().min_by_key(share))
    }

    /// When to ask again, after a refusal.
    pub fn retry_at(&self) -> Option<Instant> {
        self.parts.iter().filter_map(|part| part.retry_at).max()
    }
}
