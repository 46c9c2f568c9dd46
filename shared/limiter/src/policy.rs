//! Policies: what is limited, how, and what is done where the table cannot say.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Tier;

use crate::limit::Limit;

/// Most dimensions of a policy.
pub const MOST_DIMENSIONS: usize = 10;
/// Most shards of a hot key.
pub const MOST_SHARDS: u8 = 64;

/// How units are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// A bucket that fills at a constant rate: bursts up to its capacity. Exact.
    #[default]
    TokenBucket,
    /// A queue that drains at a constant rate: the same, and each request is told how long it waits for its turn.
    LeakyBucket,
    /// A quota in each window since the epoch: cheapest to understand, and twice the quota at the edge of two windows.
    FixedWindow,
    /// Each request is kept: exact in every window, for quotas of at most 200.
    SlidingLog,
    /// This window's count and the part of the last one's that is still covered: an estimate.
    SlidingCounter,
}

impl Algorithm {
    /// Whether it is a bucket, which has a capacity.
    pub fn is_bucket(self) -> bool {
        matches!(self, Self::TokenBucket | Self::LeakyBucket)
    }
}

/// What a policy promises. The modes but `exact` are of buckets with one dimension.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Never one too many, never one too few.
    #[default]
    Exact,
    /// In one round trip, at twice the write units. Where another comes between its two writes, a check may take twice,
    /// or goes on one by one: never one too many.
    Hedged,
    /// Never one too many: each sandbox takes some units ahead and serves them itself. Those that it does not use are
    /// lost when its lease ends; what is asked for seldom is leased little.
    NeverOver,
    /// Not too few: each sandbox counts by itself and tells the others now and then. Too many by at most `sync.every`
    /// for each sandbox between two tellings (and too few by as much, where the bucket stood full between them).
    NeverUnder,
}

/// What is answered where the table is slow or down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unavailable {
    /// Let through.
    #[default]
    Open,
    /// Refused: for what must not be tried without limit, such as passwords.
    Closed,
}

/// Which requests count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// All that are admitted.
    #[default]
    Requests,
    /// Those that are answered 401 or 403, such as failed logins: the others get their units back.
    Failures,
}

/// Excludes a key that goes on asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// After so many refusals by one sandbox …
    #[schemars(range(min = 1, max = 10_000))]
    pub denials: u32,
    /// … within so long …
    #[schemars(range(min = 1, max = 86_400))]
    pub within_seconds: u32,
    /// … nothing more is let through for so long, by any sandbox.
    #[schemars(range(min = 1, max = 86_400))]
    pub seconds: u32,
}

/// What a sandbox takes ahead in mode `never_over`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Most units at once. Default: a hundredth of the quota. Each lease leaves fewer than these unused.
    #[schemars(range(min = 1))]
    pub units: u64,
    /// How long it may use them. Default: 1,000.
    #[schemars(range(min = 1, max = 60_000))]
    pub milliseconds: u32,
}

/// When a sandbox tells the others in mode `never_under`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// After so many units. Default: a hundredth of the quota. Each sandbox lets at most so many too many through.
    #[schemars(range(min = 1))]
    pub every: u64,
    /// Or after so long. Default: 1,000.
    #[schemars(range(min = 1, max = 60_000))]
    pub milliseconds: u32,
}

/// One of the keys by which requests are told apart: a user, an address, everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// What it is called in checks and refusals.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_+-]{0,31}$"), example = &"user")]
    pub name: String,
    /// How much in how long.
    pub limit: Limit,
    /// Other limits by tier; `null` is none at all. A tier that is not listed has `limit`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tiers: BTreeMap<Tier, Option<Limit>>,
}

impl Dimension {
    /// A dimension with one limit for all tiers.
    pub fn new(name: &str, limit: Limit) -> Self {
        Self { name: name.to_owned(), limit, tiers: BTreeMap::new() }
    }

    /// The limit of a tier, if it has one.
    pub fn limit_of(&self, tier: Tier) -> Option<Limit> {
        self.tiers.get(&tier).copied().unwrap_or(Some(self.limit))
    }

    pub(crate) fn limits(&self) -> impl Iterator<Item = Limit> {
        std::iter::once(self.limit).chain(self.tiers.values().copied().flatten())
    }
}

/// What is limited, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How units are counted.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// All of them must have room, or none is taken from.
    #[schemars(length(min = 1, max = MOST_DIMENSIONS))]
    pub dimensions: Vec<Dimension>,
    /// What it promises.
    #[serde(default)]
    pub mode: Mode,
    /// What is answered where the table is slow or down.
    #[serde(default)]
    pub when_unavailable: Unavailable,
    /// How long the table may take.
    #[serde(default = "deadline_ms")]
    #[schemars(range(min = 10, max = 5000))]
    pub deadline_ms: u32,
    /// Counts and tells, and refuses nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shadow: bool,
    /// Which requests count.
    #[serde(default, skip_serializing_if = "is_default")]
    pub counts: Counts,
    /// Excludes keys that go on asking. Of buckets with one dimension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ban: Option<Ban>,
    /// Spreads each key over so many items, for more than some 800 checks a second of one key. A check that finds its
    /// shard empty tries one more, so some are refused though another shard had room.
    #[serde(default = "one_shard", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = MOST_SHARDS))]
    pub shards: u8,
    /// Of mode `never_over`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Of mode `never_under`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<Sync>,
    /// Sends the fields of the IETF draft too: `RateLimit-Policy` and `RateLimit`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ietf_fields: bool,
}

fn deadline_ms() -> u32 {
    500
}

fn one_shard() -> u8 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_one(shards: &u8) -> bool {
    *shards == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Policy {
    /// An exact token bucket for each of these dimensions.
    pub fn of(dimensions: Vec<Dimension>) -> Self {
        Self {
            algorithm: Algorithm::TokenBucket,
            dimensions,
            mode: Mode::Exact,
            when_unavailable: Unavailable::Open,
            deadline_ms: deadline_ms(),
            shadow: false,
            counts: Counts::Requests,
            ban: None,
            shards: 1,
            lease: None,
            sync: None,
            ietf_fields: false,
        }
    }

    /// How long the table may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms.into())
    }

    /// Whether units can be given back or reserved: what is taken must be in one known item of each dimension.
    pub fn gives(&self) -> bool {
        self.shards == 1 && matches!(self.mode, Mode::Exact | Mode::Hedged)
    }

    /// Whether the units of a request that was answered with `status` are given back.
    pub fn gives_back(&self, status: u16) -> bool {
        self.counts == Counts::Failures && ![401, 403].contains(&status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_has_its_own_limit_or_none() {
        let mut user = Dimension::new("user", Limit::new(100, 3600));
        user.tiers = [(Tier::Pro, Some(Limit::new(10_000, 3600))), (Tier::Enterprise, None)].into();
        assert_eq!(user.limit_of(Tier::Free), Some(Limit::new(100, 3600)));
        assert_eq!(user.limit_of(Tier::Pro), Some(Limit::new(10_000, 3600)));
        assert_eq!(user.limit_of(Tier::Enterprise), None);
    }
}
