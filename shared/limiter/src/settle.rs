//! Changes that take effect once, whoever repeats them: what a reservation took is set right when it is known.

use dynamo::Done;
use types::{Answer, Fault, Instant, Once, OnceRefusal, random};

use crate::attempt::{Attempt, Change};
use crate::bucket::Row;
use crate::limiter::Limiter;
use crate::nanos;
use crate::subject::{CheckError, Subject};

/// Transactions of one change; each clash with another writer of a bucket costs one.
const TRIES: u32 = 8;

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

/// What a transaction was refused by.
enum Refused {
    Once(OnceRefusal),
    /// The bucket with this index stands otherwise than assumed.
    Bucket(usize, Option<Row>),
}

impl From<OnceRefusal> for Refused {
    fn from(refusal: OnceRefusal) -> Self {
        Self::Once(refusal)
    }
}

impl Limiter {
    /// Refunds or charges, once for each `once`: one transaction with its record.
    ///
    /// # Errors
    /// Refuses as [`SettleError`] says. A fault leaves unknown whether it took effect; calling again settles it.
    pub async fn settle(
        &self,
        subject: &Subject<'_>,
        change: Change,
        once: &Once,
        now: Instant,
    ) -> Answer<Done<()>, SettleError> {
        let buckets = match subject.buckets(&self.digest) {
            Ok(buckets) => buckets,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let at = nanos(now);
        // A reservation's policy has no shards (`Policy::may_reserve`), and a change needs no last window.
        let attempt = |bucket: &crate::subject::Bucket| {
            let known = self.memory.of(&bucket.name(at));
            let row = known.row.as_ref().map(|(row, _)| row);
            Some(Attempt::new(bucket.rule, change, row, 0, known.is_hot(), at, random::base62(8)))
        };
        let mut attempts: Vec<Option<Attempt>> = buckets.iter().map(attempt).collect();
        for _ in 0..TRIES {
            let mut transaction = self.table.transact::<Refused>();
            for (index, attempt) in attempts.iter().enumerate() {
                let Some(attempt) = attempt else { continue };
                let key = buckets[index].key(at);
                transaction = transaction
                    .update(&key, &attempt.expression(), move |row: Option<Row>| Refused::Bucket(index, row))?;
            }
            match transaction.once(once.clone(), &(), now)?.send::<()>().await? {
                Ok(done) => {
                    buckets.iter().for_each(|bucket| self.memory.forget(&bucket.name(at)));
                    return Ok(Ok(done));
                }
                Err(Refused::Once(refusal)) => return Ok(Err(refusal.into())),
                Err(Refused::Bucket(index, row)) => {
                    let ended = attempts[index].as_mut().is_some_and(|attempt| attempt.refused(row).is_some());
                    if ended {
                        attempts[index] = None; // there is nothing to give back to
                    }
                }
            }
        }
        Err(Fault::transient("other requests for the same buckets were always ahead"))
    }
}
