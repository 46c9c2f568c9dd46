//! How far the expansion of a shard is, and what comes next.

use serde::{Deserialize, Serialize};
use types::Priority;

/// How far a shard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShardState {
    /// There is a next page.
    Open,
    /// There is none.
    Done,
    /// The fan-out was taken back in the middle of a page.
    Stopped,
}

/// How far the expansion of a shard is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Whose.
    pub tenant: String,
    /// Of which fan-out.
    pub notification: String,
    /// Which, from 0.
    pub shard: u16,
    /// How urgent the fan-out is: by which reader of the stream its next page is sent on.
    pub priority: Priority,
    /// Where it is.
    pub state: ShardState,
    /// Pages that are done.
    pub page: u32,
    /// After whom the next one begins, or at which byte of a file; empty for the first.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// Users who have a notification of their own.
    pub expanded: u64,
    /// Users who could have none.
    pub refused: u64,
    /// When it is forgotten, in seconds since the epoch.
    pub purge_at: i64,
}

/// What a worker is asked to do about a fan-out, as its queue carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Version of this shape.
    pub v: u8,
    /// Whose.
    pub tenant: String,
    /// Which fan-out.
    pub fan_out: String,
    /// Which of its shards; none to begin, since its time has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u16>,
    /// Which page of it; none for the one that is next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

/// What became of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Worked {
    /// Users who have a notification of their own.
    pub expanded: u64,
    /// Users who could have none.
    pub refused: u64,
    /// The fan-out was taken back meanwhile.
    pub stopped: bool,
    /// After whom the next page begins, or at which byte; none at the end.
    pub next: Option<String>,
}

impl Shard {
    /// What its worker is asked to do next.
    pub fn step(&self) -> Step {
        let (tenant, fan_out) = (self.tenant.clone(), self.notification.clone());
        Step { v: 1, tenant, fan_out, shard: Some(self.shard), page: Some(self.page) }
    }

    /// The byte at which its next page begins, of a shard that begins at `from`.
    pub fn position(&self, from: u64) -> u64 {
        self.after.parse().unwrap_or(from)
    }

    /// The shard when this page is done.
    #[must_use]
    pub fn moved(&self, worked: Worked) -> Self {
        let state = match (worked.stopped, &worked.next) {
            (true, _) => ShardState::Stopped,
            (false, Some(_)) => ShardState::Open,
            (false, None) => ShardState::Done,
        };
        Self {
            state,
            page: self.page + 1,
            after: worked.next.unwrap_or_default(),
            expanded: self.expanded + worked.expanded,
            refused: self.refused + worked.refused,
            ..self.clone()
        }
    }
}
