//! How much in how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest window: 31 days.
pub const MOST_SECONDS: u32 = 31 * 24 * 3600;
/// Largest quota and burst.
pub const MOST_QUOTA: u64 = 1_000_000_000;
/// Most that a bucket may take to fill: 366 days, in nanoseconds. Keeps all sums of times within `i64`.
pub(crate) const MOST_FILL: i64 = 366 * 24 * 3600 * NANOS;
/// Nanoseconds of a second.
pub(crate) const NANOS: i64 = 1_000_000_000;
/// Nanoseconds of a millisecond.
pub(crate) const MILLIS: i64 = 1_000_000;

/// A quota of units (requests, or whatever a check's cost counts) in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Units in each window; of a bucket, what flows in (or drains) in that time.
    #[schemars(range(min = 1, max = MOST_QUOTA), example = &100)]
    pub quota: u64,
    /// Length of the window.
    #[schemars(range(min = 1, max = MOST_SECONDS), example = &60)]
    pub per_seconds: u32,
    /// Most units at once, of a bucket: its capacity. Absent: `quota`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MOST_QUOTA))]
    pub burst: Option<u64>,
}

impl Limit {
    /// `quota` in each `per_seconds`.
    pub const fn new(quota: u64, per_seconds: u32) -> Self {
        Self { quota, per_seconds, burst: None }
    }

    /// With another capacity than its quota.
    #[must_use]
    pub const fn burst(mut self, burst: u64) -> Self {
        self.burst = Some(burst);
        self
    }

    /// Most units at once.
    pub fn capacity(self) -> u64 {
        self.burst.unwrap_or(self.quota)
    }

    /// The window in nanoseconds.
    pub(crate) fn window(self) -> i64 {
        i64::from(self.per_seconds) * NANOS
    }

    /// Nanoseconds in which one unit flows in, rounded up, so that never more than `quota` flow in a window.
    pub(crate) fn interval(self) -> i64 {
        let quota = i64::try_from(self.quota).unwrap_or(i64::MAX).max(1);
        (self.window() + quota - 1) / quota
    }

    /// Whether all its figures are in range and a full bucket fills within 366 days.
    pub fn is_valid(self) -> bool {
        let quotas = [self.quota, self.capacity()].iter().all(|units| (1..=MOST_QUOTA).contains(units));
        let capacity = i64::try_from(self.capacity()).unwrap_or(i64::MAX);
        quotas
            && (1..=MOST_SECONDS).contains(&self.per_seconds)
            && self.interval().checked_mul(capacity).is_some_and(|fill| fill <= MOST_FILL)
    }

    /// The part of shard `index` of `shards`: the parts add up to the whole.
    pub(crate) fn part(self, index: u64, shards: u64) -> Self {
        let part = |units: u64| units / shards + u64::from(index < units % shards);
        Self { quota: part(self.quota), burst: self.burst.map(part), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_out_of_range_is_no_limit() {
        for (limit, valid) in [
            (Limit::new(100, 60), true),
            (Limit::new(0, 60), false),
            (Limit::new(1, 0), false),
            (Limit::new(1, MOST_SECONDS + 1), false),
            (Limit::new(1, 60).burst(0), false),
            (Limit::new(MOST_QUOTA + 1, 1), false),
            (Limit::new(1, MOST_SECONDS).burst(11), true),
            (Limit::new(1, MOST_SECONDS).burst(12), false),
        ] {
            assert_eq!(limit.is_valid(), valid, "{limit:?}");
        }
    }

    proptest! {
        #[test]
        fn shards_add_up_to_the_whole(quota in 1..10_000_u64, burst in 1..10_000_u64, shards in 1..16_u64) {
            let limit = Limit::new(quota, 60).burst(burst);
            let parts: Vec<Limit> = (0..shards).map(|index| limit.part(index, shards)).collect();
            prop_assert_eq!(parts.iter().map(|part| part.quota).sum::<u64>(), quota);
            prop_assert_eq!(parts.iter().map(|part| part.capacity()).sum::<u64>(), burst);
        }

        #[test]
        fn no_more_than_the_quota_flows_in_a_window(quota in 1..1_000_000_u64, per_seconds in 1..MOST_SECONDS) {
            let limit = Limit::new(quota, per_seconds);
            prop_assert!(limit.interval() * i64::try_from(quota).unwrap() >= limit.window());
        }
    }
}
