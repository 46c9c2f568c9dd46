//! What a sandbox knows of the buckets it has seen.

use std::sync::{Mutex, PoisonError};

use quick_cache::unsync::Cache;
use types::Instant;

use crate::bucket::{Row, Rule};

/// Buckets remembered.
const MOST: usize = 20_000;
/// How long what was seen may refuse a request. It would be exact until the bucket has room again, since what was
/// taken only grows, but for refunds and resets: they are seen this late.
const BELIEVED_MS: i64 = 10_000;
/// Weight of the newest sighting in the average of how often a bucket was hot.
const NEWEST: f32 = 0.05;

/// What is known of one bucket.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// As it was last seen, and when.
    pub row: Option<(Row, Instant)>,
    /// How often its TAT was ahead of now, as a moving average: which of the two writes to send first.
    pub heat: f32,
    /// Refusals since `denied_since`, for bans.
    pub denials: u32,
    pub denied_since: Instant,
    /// Units taken ahead, until when they may be used, and how many are taken next.
    pub leased: u64,
    pub leased_until: Instant,
    pub lease: u64,
    /// Units let through that the table has not been told of, the first of them when, and when it was told last.
    pub untold: u64,
    pub untold_since: Instant,
    pub told_at: Option<Instant>,
    /// Until when the bucket is taken from by itself: transactions met others at it.
    pub contended_until: Instant,
}

impl Default for Known {
    fn default() -> Self {
        let never = Instant::from_millis(0);
        Self {
            row: None,
            heat: 0.0,
            denials: 0,
            denied_since: never,
            leased: 0,
            leased_until: never,
            lease: 1,
            untold: 0,
            untold_since: never,
            told_at: None,
            contended_until: never,
        }
    }
}

impl Known {
    /// The bucket as it was seen, while it may refuse requests.
    pub fn believed(&self, now: Instant) -> Option<&Row> {
        self.row.as_ref().filter(|(_, seen)| now.millis() - seen.millis() < BELIEVED_MS).map(|(row, _)| row)
    }

    /// Takes note of the bucket.
    pub fn saw(&mut self, row: Row, now: Instant) {
        self.row = Some((row, now));
    }

    /// Takes note of whether its TAT was ahead of now.
    pub fn felt(&mut self, hot: bool) {
        self.heat += NEWEST * (f32::from(u8::from(hot)) - self.heat);
    }

    /// Whether the hot write is likely the right one.
    pub fn is_hot(&self) -> bool {
        self.heat > 0.5
    }

    /// The bucket, where what is known of it, or the last window alone, refuses the request.
    pub fn refusing(&self, rule: Rule, previous: u64, now: Instant, cost: u64) -> Option<Row> {
        let row = self.believed(now).cloned().unwrap_or_default();
        rule.standing(&row, previous, crate::nanos(now), cost).retry_at.map(|_| row)
    }
}

/// What is known, by bucket. Bounded; what is forgotten costs round trips and no correctness, but for leased units and
/// untold ones, which are lost as when a sandbox ends.
pub(crate) struct Memory(Mutex<Cache<String, Known>>);

impl Default for Memory {
    fn default() -> Self {
        Self(Mutex::new(Cache::new(MOST)))
    }
}

impl Memory {
    /// Looks at and changes what is known of a bucket, while nobody else does.
    pub fn with<T>(&self, bucket: &str, change: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut one = known.get(bucket).cloned().unwrap_or_default();
        let answer = change(&mut one);
        known.insert(bucket.to_owned(), one);
        answer
    }

    /// What is known of a bucket.
    pub fn of(&self, bucket: &str) -> Known {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(bucket).cloned().unwrap_or_default()
    }

    /// Forgets a bucket.
    pub fn forget(&self, bucket: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(bucket);
    }
}
