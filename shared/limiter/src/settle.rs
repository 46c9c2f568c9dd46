//! Changes that take effect once, whoever repeats them: what a reservation took is set right when it is known.

use std::collections::BTreeMap;

use dynamo::{AllRefused, Done};
use serde::{Deserialize, Serialize};
use types::{Answer, Fault, Instant, Once, OnceRefusal};

use crate::attempt::{Attempt, Change};
use crate::bucket::Row;
use crate::limiter::Limiter;
use crate::subject::{Bucket, CheckError, Subject};
use crate::takes::request_id;
use crate::{Gcra, nanos};

/// Transactions of one change. Each finds at least one more bucket to be otherwise than assumed, or meets others.
const TRIES: u32 = 16;

/// Why a change was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// It was carried out before in another way, or is being carried out at this moment.
    #[error(transparent)]
    Once(#[from] OnceRefusal),
    /// The keys do not fit the policy any more.
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// What is set right.
#[derive(Debug, Clone)]
pub struct Settlement<'a> {
    /// Units that were taken …
    pub taken: u64,
    /// … and those that were needed.
    pub needed: u64,
    /// When they were taken.
    pub at: Instant,
    /// By dimension, from when on a bucket has them again.
    pub back_at: &'a BTreeMap<String, Instant>,
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Units given back, of the dimension that got most.
    pub refunded: u64,
    /// Units taken beyond what had been.
    pub charged: u64,
}

impl Limiter {
    /// Sets right what was taken, once for each `once`, as of then: one transaction with its record. What has flowed
    /// into a bucket again by now is not given back, since others may have taken it meanwhile. Answers what was
    /// changed, and whether that had been before.
    ///
    /// # Errors
    /// Refuses as [`SettleError`] says. A fault leaves unknown whether it took effect; calling again settles it.
    pub async fn settle(
        &self,
        subject: &Subject<'_>,
        settlement: &Settlement<'_>,
        once: &Once,
        now: Instant,
    ) -> Answer<(Settled, bool), SettleError> {
        let buckets = match subject.buckets(&self.digest) {
            Ok(buckets) => buckets,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        // A reservation's policy has no shards (`Policy::gives`), and a change needs no last window. What it took is
        // most likely still there, so the TAT is ahead of then.
        let then = nanos(settlement.at);
        let changes = buckets.iter().filter_map(|bucket| Some((bucket, settlement.change(bucket, now)?)));
        let changes: Vec<(&Bucket, Change)> = changes.collect();
        let settled = Settled {
            refunded: changes.iter().filter_map(|(_, it)| it.refunded()).max().unwrap_or(0),
            charged: settlement.needed.saturating_sub(settlement.taken),
        };
        let attempt = |(bucket, change): (_, Change)| {
            let bucket: &Bucket = bucket;
            (bucket, Attempt::new(bucket.rule, change, None, 0, true, then, request_id()))
        };
        let mut attempts: Vec<_> = changes.into_iter().map(attempt).collect();
        for _ in 0..TRIES {
            let updates = attempts.iter().map(|(bucket, attempt)| (bucket.key(then), attempt.expression()));
            let once = Some((once, &settled, now));
            match self.table.update_all::<Row, Settled>(&updates.collect::<Vec<_>>(), once).await? {
                Ok(done) => {
                    buckets.iter().for_each(|bucket| self.memory.forget(&bucket.name(then)));
                    return Ok(Ok(match done {
                        Done::Now => (settled, false),
                        Done::Before(first) => (first, true),
                    }));
                }
                Err(AllRefused::Once(refusal)) => return Ok(Err(refusal.into())),
                Err(AllRefused::Busy(_)) => {}
                Err(AllRefused::Conditions(conditions)) => {
                    let mut stood = conditions.into_iter();
                    // One that ended has nothing to give back to, or the largest debt already.
                    attempts.retain_mut(|(_, attempt)| match stood.next().flatten() {
                        None => true,
                        Some(row) => attempt.refused(row).is_none(),
                    });
                }
            }
        }
        Err(Fault::transient("other requests for the same buckets were always ahead"))
    }
}

impl Settlement<'_> {
    /// What happens to a bucket; none where it stays as it is.
    fn change(&self, bucket: &Bucket, now: Instant) -> Option<Change> {
        if self.needed >= self.taken {
            return (self.needed > self.taken).then(|| Change::Charge(self.needed - self.taken));
        }
        let unused = self.taken - self.needed;
        let units = match bucket.rule.algorithm.is_bucket() {
            false => unused,
            true => {
                let left = self.back_at.get(&bucket.dimension).map_or(0, |back_at| nanos(*back_at) - nanos(now));
                unused.min(u64::try_from(left / Gcra::of(bucket.rule.limit).interval).unwrap_or(0))
            }
        };
        (units > 0).then_some(Change::Refund(units))
    }
}
