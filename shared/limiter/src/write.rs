//! The conditional writes that take from a bucket in one call.
//!
//! A condition of DynamoDB compares and does not reckon, so `max(tat, now) + cost` is no expression. It is two, of
//! which exactly one can hold: *hot*, where the TAT is ahead of now and is added to, and *cold*, where it is not and
//! begins at now. Whichever is refused comes back with the item as it stood (`ALL_OLD`), which proves either a denial
//! or that the other one must be sent. Nothing is read first, and nothing is locked.

use dynamo::{Condition, UpdateExpression, Value, eq, gt, le, missing, ne};

#[cfg(test)]
use crate::bucket::Row;
use crate::limit::MILLIS;

/// One conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Write {
    /// Adds to a TAT that is ahead of `now`, and at most `most`.
    Hot { now: i64, most: i64, by: i64 },
    /// Begins at `now`, where the TAT is not ahead of it.
    Cold { now: i64, by: i64 },
    /// Takes from a TAT that is ahead of `now`, but not from a ban.
    Cool { now: i64, by: i64 },
    /// Adds to a window's count that is at most `most`.
    Count { most: u64, by: u64 },
    /// Takes from a window's count that is at least `by`.
    Uncount { by: u64 },
    /// Replaces a log that the request `last` wrote last; none did where there is no log.
    Log { last: String, log: Vec<i64> },
}

impl Write {
    /// The update, by which `request` knows itself again. `purge_at` is when TTL may remove the item, in seconds; none
    /// where that stays as it is.
    pub(crate) fn expression(&self, request: &str, purge_at: Option<i64>) -> UpdateExpression {
        let base = UpdateExpression::new().set("last", request);
        let base = purge_at.into_iter().fold(base, |base, at| base.set("purge_at", at));
        let fresh = || missing("last").or(ne("last", request));
        match self {
            Self::Hot { now, most, by } => {
                let holds = gt("tat", *now).and(le("tat", *most)).and(ne("last", request));
                base.add("tat", *by).when(holds)
            }
            Self::Cold { now, by } => base.set("tat", now.saturating_add(*by)).when(missing("tat").or(le("tat", *now))),
            Self::Cool { now, by } => {
                let free = missing("banned_until").or(le("banned_until", now.div_euclid(MILLIS)));
                base.add("tat", -by).when(gt("tat", *now).and(ne("last", request)).and(free))
            }
            Self::Count { most, by } => {
                let room: Condition = missing("taken").or(le("taken", *most));
                base.add("taken", *by).when(room.and(fresh()))
            }
            Self::Uncount { by } => {
                let less = i64::try_from(*by).unwrap_or(i64::MAX);
                base.add("taken", -less).when(gt("taken", less - 1).and(fresh()))
            }
            Self::Log { last, log } => {
                let unchanged = if last.is_empty() { missing("last") } else { eq("last", last.as_str()) };
                base.set("log", Value::list(log.iter().copied())).when(unchanged)
            }
        }
    }

    /// What the table does with it: the item afterwards, or nothing where its condition does not hold.
    #[cfg(test)]
    pub(crate) fn apply(&self, row: Option<&Row>, request: &str) -> Option<Row> {
        let row = row.cloned().unwrap_or_default();
        let (last, fresh) = (request.to_owned(), row.last != request);
        match self {
            Self::Hot { now, most, by } => {
                let tat = row.tat.filter(|tat| tat > now && tat <= most && fresh)?;
                Some(Row { tat: Some(tat + by), last, ..row })
            }
            Self::Cold { now, by } => {
                row.tat.is_none_or(|tat| tat <= *now).then(|| Row { tat: Some(now + by), last, ..row })
            }
            Self::Cool { now, by } => {
                let tat = row.tat.filter(|tat| tat > now && fresh && row.banned_until <= now / MILLIS)?;
                Some(Row { tat: Some(tat - by), last, ..row })
            }
            Self::Count { most, by } => {
                let taken = row.taken.unwrap_or(0);
                let holds = row.taken.is_none_or(|taken| taken <= *most) && fresh;
                holds.then(|| Row { taken: Some(taken + by), last, ..row })
            }
            Self::Uncount { by } => {
                let taken = row.taken.filter(|taken| taken >= by && fresh)?;
                Some(Row { taken: Some(taken - by), last, ..row })
            }
            Self::Log { last: before, log } => {
                (row.last == *before).then(|| Row { log: log.clone(), last: request.to_owned(), ..row })
            }
        }
    }
}
