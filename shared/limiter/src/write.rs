//! The conditional writes that take from a bucket in one call.
//!
//! A condition of DynamoDB compares and does not reckon, so `max(tat, now) + cost` is no expression. It is two, of
//! which exactly one can hold: *hot*, where the TAT is ahead of now and is added to, and *cold*, where it is not and
//! begins at now. Whichever is refused comes back with the item as it stood (`ALL_OLD`), which proves either a denial
//! or that the other one must be sent. Nothing is read first, and nothing is locked.

use dynamo::{Condition, UpdateExpression, gt, le, missing, ne};

#[cfg(test)]
use crate::bucket::Row;

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
