//! A request's way through one bucket.

use dynamo::UpdateExpression;

use crate::bucket::{Row, Rule};
use crate::gcra::Gcra;
use crate::limit::NANOS;
use crate::policy::Algorithm;
use crate::write::Write;
use crate::{log, sliding};

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
