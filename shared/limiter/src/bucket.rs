//! What is stored of a bucket, and what it says to a request.

use serde::{Deserialize, Serialize};

use crate::fixed::Window;
use crate::gcra::Gcra;
use crate::limit::Limit;
use crate::policy::Algorithm;
use crate::{fixed, log, sliding};

/// How an algorithm treats one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How it counts.
    pub algorithm: Algorithm,
    /// How much in how long.
    pub limit: Limit,
}

/// A bucket's item. Buckets, windows and logs have attributes of their own: a policy that goes from one to another
/// begins anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Buckets: the theoretical arrival time, in nanoseconds since the epoch.
    #[serde(default)]
    pub tat: Option<i64>,
    /// Windows: units taken in this one.
    #[serde(default)]
    pub taken: Option<u64>,
    /// Logs: when each unit was taken, in nanoseconds since the epoch.
    #[serde(default)]
    pub log: Vec<i64>,
    /// The request that wrote last: one whose answer was lost is sent again, and meets itself.
    #[serde(default)]
    pub last: String,
    /// Until when the key is banned, in milliseconds since the epoch.
    #[serde(default)]
    pub banned_until: i64,
}

/// What a bucket says to a request. Times are nanoseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Units that can be taken now.
    pub remaining: u64,
    /// When all that was taken counts no more.
    pub reset_at: i64,
    /// Where the request does not fit: when it will, if nobody else takes any.
    pub retry_at: Option<i64>,
    /// Leaky bucket: how long the request waits for its turn.
    pub wait: i64,
}

impl Rule {
    /// The window, for what counts in windows: each has an item of its own.
    pub(crate) fn window(self, now: i64) -> Option<Window> {
        let windows = matches!(self.algorithm, Algorithm::FixedWindow | Algorithm::SlidingCounter);
        windows.then(|| Window::at(self.limit, now))
    }

    /// Most units that a single request can take.
    pub fn most(self) -> u64 {
        if self.algorithm.is_bucket() { self.limit.capacity() } else { self.limit.quota }
    }

    /// What the bucket `row` says to a request of `cost`; `previous` is the last window's count of a sliding counter.
    pub fn standing(self, row: &Row, previous: u64, now: i64, cost: u64) -> Standing {
        let (limit, taken) = (self.limit, row.taken.unwrap_or(0));
        match self.algorithm {
            Algorithm::TokenBucket | Algorithm::LeakyBucket => {
                let gcra = Gcra::of(limit);
                let queue = self.algorithm == Algorithm::LeakyBucket;
                Standing {
                    remaining: gcra.remaining(row.tat, now),
                    reset_at: row.tat.unwrap_or(now).max(now),
                    retry_at: gcra.take(row.tat, now, cost).err(),
                    wait: if queue { gcra.wait(row.tat, now) } else { 0 },
                }
            }
            Algorithm::FixedWindow => Standing {
                remaining: limit.quota.saturating_sub(taken),
                reset_at: Window::at(limit, now).end,
                retry_at: fixed::take(limit, taken, now, cost).err(),
                wait: 0,
            },
            Algorithm::SlidingCounter => Standing {
                remaining: limit.quota.saturating_sub(taken.saturating_add(sliding::share(limit, previous, now))),
                // What was taken in a window counts through the next one.
                reset_at: match (taken, previous) {
                    (1.., _) => Window::at(limit, now).end.saturating_add(limit.window()),
                    (0, 1..) => Window::at(limit, now).end,
                    (0, 0) => now,
                },
                retry_at: sliding::take(limit, previous, taken, now, cost).err(),
                wait: 0,
            },
            Algorithm::SlidingLog => {
                let kept = log::within(limit, &row.log, now);
                Standing {
                    remaining: limit.quota.saturating_sub(kept.len() as u64),
                    reset_at: kept.last().map_or(now, |last| last.saturating_add(limit.window())),
                    retry_at: log::take(limit, &row.log, now, cost).err(),
                    wait: 0,
                }
            }
        }
    }
}
