//! What is stored of a bucket, and the conditional writes that take from it in one call.
//!
//! A condition of DynamoDB compares and does not reckon, so `max(tat, now) + cost` is no expression. It is two, of
//! which exactly one can hold: *hot*, where the TAT is ahead of now and is added to, and *cold*, where it is not and
//! begins at now. Whichever is refused comes back with the item as it stood (`ALL_OLD`), which proves either a denial
//! or that the other one must be sent. Nothing is read first, and nothing is locked.

use dynamo::{Condition, UpdateExpression, gt, le, missing, ne};
use serde::{Deserialize, Serialize};

use crate::fixed::Window;
use crate::gcra::Gcra;
use crate::limit::{Limit, NANOS};
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

/// A bucket's item. Each algorithm has attributes of its own; a policy that changes its algorithm begins anew.
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
    /// Logs: grows with each write.
    #[serde(default)]
    pub version: u64,
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
                reset_at: Window::at(limit, now).end,
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

/// What a request does with a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Takes units, if they are there.
    Take(u64),
    /// Takes units, there or not: they were used already.
    Charge(u64),
    /// Gives units back, at most what was taken.
    Refund(u64),
}

/// One conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Write {
    /// Adds to a TAT that is ahead of `now`, and at most `most`.
    Hot { now: i64, most: i64, by: i64 },
    /// Begins at `now`, where the TAT is not ahead of it.
    Cold { now: i64, by: i64 },
    /// Adds to a window's count that is at most `most`.
    Count { most: u64, by: u64 },
    /// Takes from a window's count that is at least `by`.
    Uncount { by: u64 },
    /// Replaces a log of this version.
    Log { version: u64, log: Vec<i64> },
}

impl Write {
    /// The update, by which `request` knows itself again.
    pub(crate) fn expression(&self, request: &str, purge_at: i64) -> UpdateExpression {
        let base = UpdateExpression::new().set("last", request).set("purge_at", purge_at);
        let fresh = || missing("last").or(ne("last", request));
        match self {
            Self::Hot { now, most, by } => {
                let holds = gt("tat", *now).and(le("tat", *most)).and(ne("last", request));
                base.add("tat", *by).when(holds)
            }
            Self::Cold { now, by } => base.set("tat", now.saturating_add(*by)).when(missing("tat").or(le("tat", *now))),
            Self::Count { most, by } => {
                let room: Condition = missing("taken").or(le("taken", *most));
                base.add("taken", *by).when(room.and(fresh()))
            }
            Self::Uncount { by } => {
                let less = i64::try_from(*by).unwrap_or(i64::MAX);
                base.add("taken", -less).when(gt("taken", less - 1).and(fresh()))
            }
            Self::Log { version: 0, log } => self.logged(base, log).when(missing("version")),
            Self::Log { version, log } => self.logged(base, log).when(dynamo::eq("version", *version)),
        }
    }

    fn logged(&self, base: UpdateExpression, log: &[i64]) -> UpdateExpression {
        base.set("log", dynamo::Value::list(log.iter().copied())).add("version", 1_u64)
    }

    /// What the table does with it: the item afterwards, or nothing where its condition does not hold.
    #[cfg(test)]
    pub(crate) fn apply(&self, row: Option<&Row>, request: &str) -> Option<Row> {
        let row = row.cloned().unwrap_or_default();
        let (last, fresh) = (request.to_owned(), row.last != request);
        match self {
            Self::Hot { now, most, by } => row.tat.filter(|tat| tat > now && tat <= most && fresh).map(|tat| Row {
                tat: Some(tat + by),
                last,
                ..row
            }),
            Self::Cold { now, by } => {
                row.tat.is_none_or(|tat| tat <= *now).then(|| Row { tat: Some(now + by), last, ..row })
            }
            Self::Count { most, by } => row
                .taken
                .is_none_or(|taken| taken <= *most)
                .then_some(row.taken.unwrap_or(0) + by)
                .filter(|_| fresh)
                .map(|taken| Row { taken: Some(taken), last, ..row }),
            Self::Uncount { by } => {
                row.taken.filter(|taken| taken >= by && fresh).map(|taken| Row { taken: Some(taken - by), last, ..row })
            }
            Self::Log { version, log } => {
                (row.version == *version).then(|| Row { log: log.clone(), version: version + 1, last, ..row })
            }
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It took effect; the item afterwards.
    Done(Row),
    /// The bucket has no room: the item that proves it.
    Denied(Row),
}

/// A request's way through one bucket: which write to send, and what a refusal means. It does no I/O, so simulations
/// run the very code that runs on DynamoDB.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    rule: Rule,
    change: Change,
    previous: u64,
    now: i64,
    request: String,
    write: Write,
}

/// Keeps an item for so long after it has become meaningless, so that clocks may differ.
const KEPT_SECONDS: i64 = 3600;

impl Attempt {
    /// `row` is the bucket as it was last seen; `hot` whether its TAT is likely ahead of now.
    pub(crate) fn new(
        rule: Rule,
        change: Change,
        row: Option<&Row>,
        previous: u64,
        hot: bool,
        now: i64,
        request: String,
    ) -> Self {
        let write = Write::Cold { now, by: 0 };
        let mut attempt = Self { rule, change, previous, now, request, write };
        attempt.write = match rule.algorithm {
            // What was seen ahead of now is ahead of now: a TAT only grows.
            _ if rule.algorithm.is_bucket() => {
                attempt.branch(hot || row.and_then(|row| row.tat).is_some_and(|tat| tat > now))
            }
            Algorithm::SlidingLog => attempt.relog(row),
            _ => attempt.counted(),
        };
        attempt
    }

    /// The write to send.
    pub(crate) fn write(&self) -> &Write {
        &self.write
    }

    /// By which the request knows itself again.
    #[cfg(test)]
    pub(crate) fn request(&self) -> &str {
        &self.request
    }

    /// The same as an update.
    pub(crate) fn expression(&self) -> UpdateExpression {
        let windows = if self.rule.algorithm == Algorithm::SlidingCounter { 2 } else { 1 };
        let span = Gcra::of(self.rule.limit).depth.max(self.rule.limit.window() * windows);
        let span = if self.rule.algorithm.is_bucket() { Gcra::of(self.rule.limit).depth } else { span };
        let charged = match self.change {
            Change::Charge(cost) => Gcra::of(self.rule.limit).span(cost),
            _ => 0,
        };
        let purge_at = self.now.saturating_add(span).saturating_add(charged) / NANOS + KEPT_SECONDS;
        self.write.expression(&self.request, purge_at)
    }

    /// The item after a write that took effect and did not say what it left: at least what was seen and what it took.
    pub(crate) fn assumed(&self, seen: Option<Row>) -> Row {
        let row = seen.unwrap_or_default();
        match self.write {
            Write::Hot { now, by, .. } => Row { tat: Some(row.tat.unwrap_or(now).max(now).saturating_add(by)), ..row },
            Write::Cold { now, by } => Row { tat: Some(now.saturating_add(by)), ..row },
            Write::Count { by, .. } => Row { taken: Some(row.taken.unwrap_or(0).saturating_add(by)), ..row },
            _ => row,
        }
    }

    /// Whether the TAT was ahead of now when the write arrived, by what came back: the item afterwards, or the one that
    /// stood against it.
    pub(crate) fn found_hot(&self, came_back: Result<&Row, Option<&Row>>) -> bool {
        match came_back {
            Ok(_) => matches!(self.write, Write::Hot { .. }),
            Err(row) => row.and_then(|row| row.tat).is_some_and(|tat| tat > self.now),
        }
    }

    /// What it means that the table refused the write and holds `row`. `None`: send again, the write has changed.
    pub(crate) fn refused(&mut self, row: Option<Row>) -> Option<Outcome> {
        let row = row.unwrap_or_default();
        if row.last == self.request {
            return Some(Outcome::Done(row));
        }
        if let Change::Take(cost) = self.change
            && self.rule.standing(&row, self.previous, self.now, cost).retry_at.is_some()
        {
            return Some(Outcome::Denied(row));
        }
        if let Change::Refund(_) = self.change
            && self.rule.standing(&row, self.previous, self.now, 0).reset_at <= self.now
        {
            return Some(Outcome::Done(row)); // there is nothing to give back to
        }
        self.write = match self.rule.algorithm {
            _ if self.rule.algorithm.is_bucket() => self.branch(row.tat.is_some_and(|tat| tat > self.now)),
            Algorithm::SlidingLog => self.relog(Some(&row)),
            _ => match self.change {
                Change::Refund(by) if row.taken.unwrap_or(0) == 0 || by == 0 => return Some(Outcome::Done(row)),
                Change::Refund(by) => Write::Uncount { by: by.min(row.taken.unwrap_or(0)) },
                _ => self.counted(),
            },
        };
        None
    }

    fn branch(&self, hot: bool) -> Write {
        let (gcra, now) = (Gcra::of(self.rule.limit), self.now);
        match self.change {
            Change::Take(cost) if hot => Write::Hot {
                now,
                most: now.saturating_add(gcra.depth).saturating_sub(gcra.span(cost)),
                by: gcra.span(cost),
            },
            Change::Charge(cost) if hot => Write::Hot { now, most: i64::MAX, by: gcra.span(cost) },
            Change::Take(cost) | Change::Charge(cost) => Write::Cold { now, by: gcra.span(cost) },
            // A TAT that falls behind now is a full bucket, so there is no cold way to give back.
            Change::Refund(cost) => Write::Hot { now, most: i64::MAX, by: -gcra.span(cost) },
        }
    }

    fn counted(&self) -> Write {
        let limit = self.rule.limit;
        let share = match self.rule.algorithm {
            Algorithm::SlidingCounter => sliding::share(limit, self.previous, self.now),
            _ => 0,
        };
        match self.change {
            Change::Take(by) => Write::Count { most: limit.quota.saturating_sub(share).saturating_sub(by), by },
            Change::Charge(by) => Write::Count { most: u64::MAX / 4, by },
            Change::Refund(by) => Write::Uncount { by },
        }
    }

    fn relog(&self, row: Option<&Row>) -> Write {
        let (version, kept) = match row {
            Some(row) => (row.version, log::within(self.rule.limit, &row.log, self.now)),
            None => (0, &[][..]),
        };
        let log = match self.change {
            Change::Take(cost) | Change::Charge(cost) => log::noted(kept, self.now, cost),
            Change::Refund(cost) => {
                let left = kept.len().saturating_sub(usize::try_from(cost).unwrap_or(usize::MAX));
                kept[..left].to_vec()
            }
        };
        Write::Log { version, log }
    }
}
