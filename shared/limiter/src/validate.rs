//! Which policies can be used.

use std::collections::BTreeSet;

use crate::limit::Limit;
use crate::log::MOST_ENTRIES;
use crate::policy::{Algorithm, Counts, Dimension, MOST_DIMENSIONS, MOST_SHARDS, Mode, Policy};

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum PolicyError {
    #[error("a policy has 1 to {MOST_DIMENSIONS} dimensions")]
    Dimensions,
    #[error("{0:?} is no name of a dimension, or is used twice: a letter, then up to 31 of a-z 0-9 _ + -")]
    Name(String),
    #[error("a limit of {0} is out of range: quota and burst 1 to 1,000,000,000, at most 31 days, and full in 366")]
    Limit(String),
    #[error("{0} is out of range")]
    Range(&'static str),
    #[error("{0}")]
    Together(&'static str),
}

impl Policy {
    /// Whether its figures and parts go together.
    ///
    /// # Errors
    /// What does not.
    pub fn validate(&self) -> Result<(), PolicyError> {
        if !(1..=MOST_DIMENSIONS).contains(&self.dimensions.len()) {
            return Err(PolicyError::Dimensions);
        }
        let mut names = BTreeSet::new();
        for dimension in &self.dimensions {
            if !is_name(&dimension.name) || !names.insert(&dimension.name) {
                return Err(PolicyError::Name(dimension.name.clone()));
            }
            if !dimension.limits().all(Limit::is_valid) {
                return Err(PolicyError::Limit(dimension.name.clone()));
            }
        }
        let ranges = [
            ("deadline_ms", (10..=5000).contains(&self.deadline_ms)),
            ("shards", (1..=MOST_SHARDS).contains(&self.shards)),
            (
                "ban",
                self.ban.is_none_or(|ban| {
                    (1..=10_000).contains(&ban.denials)
                        && [ban.within_seconds, ban.seconds].iter().all(|span| (1..=86_400).contains(span))
                }),
            ),
            ("lease", self.lease.is_none_or(|it| it.units > 0 && (1..=60_000).contains(&it.milliseconds))),
            ("sync", self.sync.is_none_or(|it| it.every > 0 && (1..=60_000).contains(&it.milliseconds))),
        ];
        match ranges.iter().find(|(_, holds)| !holds) {
            Some((name, _)) => Err(PolicyError::Range(name)),
            None => self.parts_go_together(),
        }
    }

    fn parts_go_together(&self) -> Result<(), PolicyError> {
        let limits = || self.dimensions.iter().flat_map(Dimension::limits);
        let (bucket, single) = (self.algorithm.is_bucket(), self.dimensions.len() == 1);
        let log = self.algorithm == Algorithm::SlidingLog;
        let windows = matches!(self.algorithm, Algorithm::FixedWindow);
        let parts = u64::from(self.shards);
        let rules = [
            (bucket || limits().all(|limit| limit.burst.is_none()), "only buckets have a burst"),
            (!log || single, "a sliding log has one dimension"),
            (!log || limits().all(|limit| limit.quota <= MOST_ENTRIES), "a sliding log has a quota of at most 200"),
            (self.mode == Mode::Exact || (bucket && single), "this mode is of buckets with one dimension"),
            (self.ban.is_none() || (bucket && single), "a ban is of buckets with one dimension"),
            (self.lease.is_none() || self.mode == Mode::NeverOver, "a lease is of mode never_over"),
            (self.sync.is_none() || self.mode == Mode::NeverUnder, "a sync is of mode never_under"),
            (
                self.shards == 1 || (single && self.mode == Mode::Exact && (bucket || windows)),
                "shards are of exact buckets and fixed windows with one dimension",
            ),
            (self.shards == 1 || self.ban.is_none(), "a ban and shards do not go together"),
            (
                self.ban.is_none() || matches!(self.mode, Mode::Exact | Mode::Hedged),
                "a ban is of the modes exact and hedged: others let some through by themselves",
            ),
            (
                self.shards == 1 || self.counts == Counts::Requests,
                "of shards nobody knows what each gave to give it back",
            ),
            (
                limits().all(|limit| limit.quota.min(limit.capacity()) >= parts),
                "each shard needs a part of quota and burst",
            ),
            (
                self.counts == Counts::Requests || matches!(self.mode, Mode::Exact | Mode::Hedged),
                "failures are counted in the modes exact and hedged",
            ),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, wrong)| Err(PolicyError::Together(wrong)))
    }
}

fn is_name(name: &str) -> bool {
    let rest = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_+-".contains(&c);
    (1..=32).contains(&name.len()) && name.as_bytes()[0].is_ascii_lowercase() && name.bytes().all(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Ban, Lease, Sync};

    fn policy() -> Policy {
        Policy::of(vec![Dimension::new("user", Limit::new(100, 60))])
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let two = vec![Dimension::new("user", Limit::new(100, 60)), Dimension::new("ip", Limit::new(100, 60))];
        let ban = Some(Ban { denials: 5, within_seconds: 60, seconds: 600 });
        let burst = vec![Dimension::new("user", Limit::new(10, 1).burst(100))];
        let log = Algorithm::SlidingLog;
        for (policy, valid) in [
            (policy(), true),
            (Policy { dimensions: two.clone(), ..policy() }, true),
            (Policy { dimensions: burst.clone(), ..policy() }, true),
            (Policy { dimensions: vec![], ..policy() }, false),
            (Policy { dimensions: vec![two[0].clone(), two[0].clone()], ..policy() }, false),
            (Policy { dimensions: vec![Dimension::new("User", Limit::new(1, 1))], ..policy() }, false),
            (Policy { dimensions: vec![Dimension::new("user", Limit::new(0, 1))], ..policy() }, false),
            (Policy { dimensions: burst, algorithm: Algorithm::FixedWindow, ..policy() }, false),
            (Policy { dimensions: two.clone(), mode: Mode::Hedged, ..policy() }, false),
            (Policy { dimensions: two.clone(), ban, ..policy() }, false),
            (Policy { ban, ..policy() }, true),
            (Policy { ban, algorithm: log, ..policy() }, false),
            (Policy { dimensions: two, algorithm: log, ..policy() }, false),
            (Policy { algorithm: log, ..policy() }, true),
            (
                Policy { algorithm: log, dimensions: vec![Dimension::new("user", Limit::new(201, 60))], ..policy() },
                false,
            ),
            (Policy { algorithm: log, mode: Mode::NeverOver, ..policy() }, false),
            (Policy { shards: 4, ..policy() }, true),
            (Policy { shards: 0, ..policy() }, false),
            (Policy { shards: 64, dimensions: vec![Dimension::new("user", Limit::new(63, 60))], ..policy() }, false),
            (Policy { shards: 4, algorithm: Algorithm::SlidingCounter, ..policy() }, false),
            (Policy { lease: Some(Lease { units: 5, milliseconds: 100 }), ..policy() }, false),
            (Policy { lease: Some(Lease { units: 5, milliseconds: 100 }), mode: Mode::NeverOver, ..policy() }, true),
            (Policy { sync: Some(Sync { every: 0, milliseconds: 100 }), mode: Mode::NeverUnder, ..policy() }, false),
            (Policy { counts: Counts::Failures, mode: Mode::NeverOver, ..policy() }, false),
            (Policy { deadline_ms: 5, ..policy() }, false),
        ] {
            assert_eq!(policy.validate().is_ok(), valid, "{policy:?} {:?}", policy.validate());
        }
    }
}
