//! Taking from several buckets, all or none.
//!
//! One transaction in the common case. Transactions that meet at an item cancel each other, so a bucket that all
//! requests share (everybody's, a popular link's) would refuse them for no reason: once some have met, its buckets are
//! taken from one by one for a while, by plain writes that queue up at the item, and given back where a later one has
//! no room.

use std::time::Duration;

use dynamo::AllRefused;
use types::{Fault, Instant};

use crate::attempt::{Attempt, Change, Outcome};
use crate::bucket::Row;
use crate::limiter::Limiter;
use crate::nanos;
use crate::subject::Bucket;
use crate::takes::Said;

/// Transactions of one check. Each finds at least one more bucket to be otherwise than assumed.
const TRIES: u32 = 8;
/// For how long buckets at which transactions met are taken from one by one.
const CONTENDED: Duration = Duration::from_secs(60);

impl Limiter {
    /// Takes from several buckets, all or none.
    pub(crate) async fn take_all(&self, buckets: &[Bucket], cost: u64, now: Instant) -> Result<Vec<Said>, Fault> {
        let (at, change) = (nanos(now), Change::Take(cost));
        let reads = buckets.iter().map(|bucket| self.previous(bucket, now));
        let previous = futures_util::future::try_join_all(reads).await?;
        let pairs = || buckets.iter().zip(&previous);
        let refusing = pairs().filter_map(|(bucket, &previous)| self.refused_already(bucket, change, previous, now));
        let refusing: Vec<Said> = refusing.collect();
        if !refusing.is_empty() {
            return Ok(refusing);
        }
        if buckets.iter().any(|bucket| self.memory.of(&bucket.name(at)).contended_until > now) {
            return self.take_in_turn(buckets, cost, now).await;
        }
        let attempts = pairs().map(|(bucket, &previous)| self.attempt(bucket, change, previous, now));
        let mut attempts: Vec<Attempt> = attempts.collect();
        for _ in 0..TRIES {
            let updates = buckets.iter().zip(&attempts).map(|(bucket, it)| (bucket.key(at), it.expression()));
            let conditions = match self.table.update_all::<Row, ()>(&updates.collect::<Vec<_>>(), None).await? {
                Ok(_) => return Ok(self.took_all(buckets, &attempts, &previous, now)),
                Err(AllRefused::Conditions(conditions)) => conditions,
                Err(AllRefused::Once(refusal)) => return Err(Fault::permanent("no record").caused_by(refusal)),
                Err(AllRefused::Busy(_)) => {
                    aws::count("limit_contended", 1.0);
                    for bucket in buckets {
                        self.memory.with(&bucket.name(at), |known| known.contended_until = now + CONTENDED);
                    }
                    return self.take_in_turn(buckets, cost, now).await;
                }
            };
            let mut denied = Vec::new();
            for (index, row) in conditions.into_iter().enumerate().filter_map(|(index, row)| Some((index, row?))) {
                let bucket = &buckets[index];
                let hot = attempts[index].found_hot(Err(row.as_ref()));
                self.memory.with(&bucket.name(at), |known| known.felt(hot));
                match attempts[index].refused(row.clone()) {
                    Some(outcome @ Outcome::Denied(_)) => {
                        denied.push(self.learn(bucket, outcome, previous[index], now));
                    }
                    Some(Outcome::Done(_)) => return Ok(self.took_all(buckets, &attempts, &previous, now)),
                    None => {
                        let row = row.unwrap_or_default();
                        self.memory.with(&bucket.name(at), |known| known.saw(row, now));
                    }
                }
            }
            if !denied.is_empty() {
                return Ok(denied);
            }
        }
        Err(Fault::transient("other requests for the same buckets were always ahead"))
    }

    /// Takes from one bucket after another, and gives back where one has no room. Should it end half-way, what was
    /// taken stays taken: never too many.
    async fn take_in_turn(&self, buckets: &[Bucket], cost: u64, now: Instant) -> Result<Vec<Said>, Fault> {
        let mut taken: Vec<Said> = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            let said = self.change_one(bucket, Change::Take(cost), now).await;
            if let Ok(said) = &said
                && !said.denied
            {
                taken.push(said.clone());
                continue;
            }
            let back = taken.iter().map(|said| self.change_one(&said.bucket, Change::Refund(cost), now));
            for given in futures_util::future::join_all(back).await {
                if let Err(fault) = given {
                    tracing::warn!(fault = fault.chain(), "a unit was not given back");
                }
            }
            return said.map(|said| vec![said]);
        }
        Ok(taken)
    }

    /// A transaction does not tell what it wrote. What was seen lately and what it took is enough to refuse more, for
    /// as long as what was seen is believed.
    fn took_all(&self, buckets: &[Bucket], attempts: &[Attempt], previous: &[u64], now: Instant) -> Vec<Said> {
        let each = buckets.iter().zip(attempts).zip(previous);
        each.map(|((bucket, attempt), &previous)| {
            let row = self.memory.with(&bucket.name(nanos(now)), |known| {
                let believed = known.believed(now).cloned();
                let seen = known.row.as_ref().map_or(now, |(_, seen)| *seen);
                let seen = if believed.is_some() { seen } else { now };
                let row = attempt.assumed(believed);
                known.felt(attempt.found_hot(Ok(&row)));
                known.saw(row.clone(), seen);
                row
            });
            Said { bucket: bucket.clone(), row, previous, denied: false, leased: 0, local: false }
        })
        .collect()
    }
}
