//! Changes that take effect once, whoever repeats them: what a reservation took is set right when it is known.

use dynamo::{AllRefused, Done};
use types::{Answer, Fault, Instant, Once, OnceRefusal};

use crate::attempt::{Attempt, Change};
use crate::bucket::Row;
use crate::limiter::Limiter;
use crate::nanos;
use crate::subject::{CheckError, Subject};
use crate::takes::request_id;

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

impl Limiter {
    /// Changes what was taken at `at`, once for each `once`, as if it had been so then: one transaction with its
    /// record. Without a change, only the record is made.
    ///
    /// # Errors
    /// Refuses as [`SettleError`] says. A fault leaves unknown whether it took effect; calling again settles it.
    pub async fn settle(
        &self,
        subject: &Subject<'_>,
        change: Option<Change>,
        once: &Once,
        at: Instant,
        now: Instant,
    ) -> Answer<Done<()>, SettleError> {
        let buckets = match subject.buckets(&self.digest) {
            Ok(buckets) => buckets,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        // A reservation's policy has no shards (`Policy::may_reserve`), and a change needs no last window. What it took
        // is most likely still there, so the TAT is ahead of then.
        let then = nanos(at);
        let pairs = change.into_iter().flat_map(|change| buckets.iter().map(move |bucket| (bucket, change)));
        let mut attempts: Vec<_> = pairs
            .map(|(bucket, change)| (bucket, Attempt::new(bucket.rule, change, None, 0, true, then, request_id())))
            .collect();
        for _ in 0..TRIES {
            let updates = attempts.iter().map(|(bucket, attempt)| (bucket.key(then), attempt.expression()));
            match self.table.update_all::<Row>(&updates.collect::<Vec<_>>(), Some((once, now))).await? {
                Ok(done) => {
                    buckets.iter().for_each(|bucket| self.memory.forget(&bucket.name(then)));
                    return Ok(Ok(done));
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
