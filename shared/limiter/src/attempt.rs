//! A request's way through one bucket.

use dynamo::UpdateExpression;

use crate::bucket::{Row, Rule};
use crate::gcra::Gcra;
use crate::limit::{MILLIS, MOST_FILL, NANOS};
use crate::policy::Algorithm;
use crate::write::Write;
use crate::{log, sliding};

/// What a request does with a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Takes units, if they are there.
    Take(u64),
    /// Takes units, there or not: they were used already.
    Charge(u64),
    /// Gives units back, at most what was taken.
    Refund(u64),
}

impl Change {
    /// Units that it gives back.
    pub(crate) fn refunded(self) -> Option<u64> {
        if let Self::Refund(units) = self { Some(units) } else { None }
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

/// When TTL may remove an item that means nothing after `ends`, in seconds.
pub(crate) fn purge_at(ends: i64) -> i64 {
    ends / NANOS + KEPT_SECONDS
}

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
        let (gcra, window) = (Gcra::of(self.rule.limit), self.rule.limit.window());
        // When nothing that is taken now counts any more. What is given back must not bring that forward.
        let span = match (self.change, self.rule.algorithm) {
            (Change::Refund(_), _) => None,
            (Change::Take(_), Algorithm::TokenBucket | Algorithm::LeakyBucket) => Some(gcra.depth),
            // A debt, beside others that are not known here.
            (Change::Charge(_), Algorithm::TokenBucket | Algorithm::LeakyBucket) => Some(2 * MOST_FILL),
            (_, Algorithm::FixedWindow | Algorithm::SlidingLog) => Some(window),
            (_, Algorithm::SlidingCounter) => Some(2 * window),
        };
        let purge_at = span.map(|span| purge_at(self.now.saturating_add(span)));
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
        let tat = row.tat.unwrap_or(self.now);
        let settled = match self.change {
            Change::Take(_) => false,
            // The debt is as large as it can be.
            Change::Charge(_) => self.rule.algorithm.is_bucket() && tat > self.now.saturating_add(MOST_FILL),
            // There is nothing to give back to, or a ban that goes before.
            Change::Refund(_) => {
                self.rule.standing(&row, self.previous, self.now, 0).reset_at <= self.now
                    || row.banned_until > self.now / MILLIS
                    || (self.rule.window(self.now).is_some() && row.taken.unwrap_or(0) == 0)
            }
        };
        if settled {
            return Some(Outcome::Done(row));
        }
        self.write = match self.rule.algorithm {
            _ if self.rule.algorithm.is_bucket() => self.branch(row.tat.is_some_and(|tat| tat > self.now)),
            Algorithm::SlidingLog => self.relog(Some(&row)),
            _ => match self.change {
                Change::Refund(by) => Write::Uncount { by: by.min(row.taken.unwrap_or(0)) },
                _ => self.counted(),
            },
        };
        None
    }

    fn branch(&self, hot: bool) -> Write {
        let (gcra, now) = (Gcra::of(self.rule.limit), self.now);
        let owed = |cost| gcra.span(cost).min(MOST_FILL);
        match self.change {
            Change::Take(cost) if hot => Write::Hot {
                now,
                most: now.saturating_add(gcra.depth).saturating_sub(gcra.span(cost)),
                by: gcra.span(cost),
            },
            Change::Take(cost) => Write::Cold { now, by: gcra.span(cost) },
            Change::Charge(cost) if hot => Write::Hot { now, most: now.saturating_add(MOST_FILL), by: owed(cost) },
            Change::Charge(cost) => Write::Cold { now, by: owed(cost) },
            // A TAT that falls behind now is a full bucket, so there is no cold way to give back.
            Change::Refund(cost) => Write::Cool { now, by: owed(cost) },
        }
    }

    fn counted(&self) -> Write {
        let limit = self.rule.limit;
        let share = match self.rule.algorithm {
            Algorithm::SlidingCounter => sliding::share(limit, self.previous, self.now),
            _ => 0,
        };
        match self.change {
            // Where the last window alone leaves no room, nobody asks the table (`Limiter::refused_already`).
            Change::Take(by) => Write::Count { most: limit.quota.saturating_sub(share).saturating_sub(by), by },
            Change::Charge(by) => Write::Count { most: u64::MAX / 4, by },
            Change::Refund(by) => Write::Uncount { by },
        }
    }

    fn relog(&self, row: Option<&Row>) -> Write {
        let kept = row.map_or(&[][..], |row| log::within(self.rule.limit, &row.log, self.now));
        let last = match (row, self.change) {
            (Some(row), _) => row.last.clone(),
            // Nothing is made of what is given back: the refusal shows what there is.
            (None, Change::Refund(_)) => "none".to_owned(),
            (None, _) => String::new(),
        };
        let log = match self.change {
            Change::Take(cost) | Change::Charge(cost) => log::noted(kept, self.now, cost),
            Change::Refund(cost) => log::returned(kept, self.now, cost),
        };
        Write::Log { last, log }
    }
}

#[cfg(test)]
mod tests;
