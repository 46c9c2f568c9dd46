//! The ways to take from one key's bucket: one write, two at once, one of several shards.

use std::time::Duration;

use dynamo::Consistency;
use serde::Deserialize;
use types::{Fault, Instant, random};

use crate::attempt::{Attempt, Change, Outcome};
use crate::bucket::Row;
use crate::limiter::Limiter;
use crate::nanos;
use crate::subject::Bucket;
use crate::write::Write;

/// Writes of one check. The two of a bucket alternate at most once unless others come between.
const TRIES: u32 = 8;
/// Writes of one check of a log, which every other check of the key makes fail.
const LOG_TRIES: u32 = 16;
/// How far clocks may differ: nothing more is taken in a window that ended so long ago.
const SKEW: Duration = Duration::from_secs(1);

/// What one bucket said.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// The bucket (of several shards the one that was asked).
    pub bucket: Bucket,
    /// As it stands.
    pub row: Row,
    /// The last window's count.
    pub previous: u64,
    /// It had no room.
    pub denied: bool,
    /// Units beside the row that this sandbox may still give.
    pub leased: u64,
    /// No call was made.
    pub local: bool,
}

impl Limiter {
    /// Changes one bucket in one write, or as many as others make necessary.
    pub(crate) async fn change_one(&self, bucket: &Bucket, change: Change, now: Instant) -> Result<Said, Fault> {
        let (at, name) = (nanos(now), bucket.name(nanos(now)));
        let previous = self.previous(bucket, now).await?;
        if let Some(said) = self.refused_already(bucket, change, previous, now) {
            return Ok(said);
        }
        let mut attempt = self.attempt(bucket, change, previous, now);
        let log = matches!(attempt.write(), Write::Log { .. });
        let tries = if log { LOG_TRIES } else { TRIES };
        let (mut first, mut stood) = (true, None);
        for _ in 0..tries {
            let update = self.table.update(bucket.key(at)).apply(attempt.expression());
            let sent = update.send_or::<Row, Row, Option<Row>>(|row| row).await?;
            if std::mem::take(&mut first) {
                let hot = attempt.found_hot(sent.as_ref().map_err(Option::as_ref));
                self.memory.with(&name, |known| known.felt(hot));
            }
            let outcome = match sent {
                Ok(row) => Some(Outcome::Done(row)),
                Err(row) => {
                    stood.clone_from(&row);
                    attempt.refused(row)
                }
            };
            if let Some(outcome) = outcome {
                return Ok(self.learn(bucket, outcome, previous, now));
            }
        }
        // So many at once for one log are too many, and failing open would be what they want.
        match (stood, change) {
            (Some(row), Change::Take(_)) if log => Ok(self.learn(bucket, Outcome::Denied(row), previous, now)),
            _ => Err(Fault::transient("other requests for the same bucket were always ahead")),
        }
    }

    /// What to send first, by what this sandbox knows of the bucket.
    pub(crate) fn attempt(&self, bucket: &Bucket, change: Change, previous: u64, now: Instant) -> Attempt {
        let (at, known) = (nanos(now), self.memory.of(&bucket.name(nanos(now))));
        let row = known.row.as_ref().map(|(row, _)| row);
        Attempt::new(bucket.rule, change, row, previous, known.is_hot(), at, request_id())
    }

    /// Sends both writes of a bucket at once: always one round trip, twice the units. Should both be refused without a
    /// proof, since another came between, it goes on one by one.
    pub(crate) async fn take_hedged(&self, bucket: &Bucket, cost: u64, now: Instant) -> Result<Said, Fault> {
        let (at, change) = (nanos(now), Change::Take(cost));
        if let Some(said) = self.refused_already(bucket, change, 0, now) {
            return Ok(said);
        }
        // Both know themselves by one id: what the cold one took, the hot one does not take again.
        let id = request_id();
        let attempt = |hot| Attempt::new(bucket.rule, change, None, 0, hot, at, id.clone());
        let (mut hot, mut cold) = (attempt(true), attempt(false));
        let send = |attempt: &Attempt| {
            let update = self.table.update(bucket.key(at)).apply(attempt.expression());
            update.send_or::<Row, Row, Option<Row>>(|row| row)
        };
        let (sent_hot, sent_cold) = tokio::join!(send(&hot), send(&cold));
        let ends = [(sent_hot?, &mut hot), (sent_cold?, &mut cold)];
        let mut denied = None;
        for (sent, attempt) in ends {
            match sent.map_or_else(|row| attempt.refused(row), |row| Some(Outcome::Done(row))) {
                Some(Outcome::Done(row)) => return Ok(self.learn(bucket, Outcome::Done(row), 0, now)),
                Some(refused) => denied = Some(refused),
                None => {}
            }
        }
        match denied {
            Some(denied) => Ok(self.learn(bucket, denied, 0, now)),
            None => self.change_one(bucket, change, now).await,
        }
    }

    /// Takes from one of the key's shards; one that is empty sends to another, once.
    pub(crate) async fn change_sharded(&self, bucket: &Bucket, change: Change, now: Instant) -> Result<Said, Fault> {
        let shards = bucket.shards();
        let chance = |below: u64| u64::from(u32::from_be_bytes(random::bytes())) % below.max(1);
        let first = chance(shards);
        let said = self.change_one(&bucket.shard(first), change, now).await?;
        if !said.denied {
            return Ok(said);
        }
        let other = (first + 1 + chance(shards - 1)) % shards;
        let second = self.change_one(&bucket.shard(other), change, now).await?;
        let sooner = |one: &Said| one.bucket.rule.standing(&one.row, one.previous, nanos(now), 1).retry_at;
        Ok(if second.denied && sooner(&said) < sooner(&second) { said } else { second })
    }

    /// The last window's count, of a sliding counter: one read for each window, since nothing is taken in one that
    /// has ended. What is given back to it later, sandboxes that have read it do not see: they let through fewer.
    pub(crate) async fn previous(&self, bucket: &Bucket, now: Instant) -> Result<u64, Fault> {
        let at = nanos(now);
        let (Some(key), Some(window)) = (bucket.key_before(at), bucket.rule.window(at)) else { return Ok(0) };
        if bucket.rule.algorithm != crate::Algorithm::SlidingCounter {
            return Ok(0);
        }
        let name = bucket.name(window.start - 1);
        let ended = crate::instant(window.start);
        let settled = ended + SKEW;
        if let Some((row, seen)) = self.memory.of(&name).row
            && (seen >= settled || (seen >= ended && now < settled))
        {
            return Ok(row.taken.unwrap_or(0));
        }
        let row: Row = self.table.get(&key, Consistency::Strong).await?.unwrap_or_default();
        let taken = row.taken.unwrap_or(0);
        self.memory.with(&name, |known| known.saw(row, now));
        Ok(taken)
    }

    /// What is known already and refuses the request, without a call.
    pub(crate) fn refused_already(&self, bucket: &Bucket, change: Change, previous: u64, now: Instant) -> Option<Said> {
        let Change::Take(cost) = change else { return None };
        let row = self.memory.of(&bucket.name(nanos(now))).refusing(bucket.rule, previous, now, cost)?;
        Some(Said { bucket: bucket.clone(), row, previous, denied: true, leased: 0, local: true })
    }

    pub(crate) fn learn(&self, bucket: &Bucket, outcome: Outcome, previous: u64, now: Instant) -> Said {
        let (row, denied) = match outcome {
            Outcome::Done(row) => (row, false),
            Outcome::Denied(row) => (row, true),
        };
        self.memory.with(&bucket.name(nanos(now)), |known| known.saw(row.clone(), now));
        Said { bucket: bucket.clone(), row, previous, denied, leased: 0, local: false }
    }
}

/// By which a write knows itself again, when it is sent twice.
pub(crate) fn request_id() -> String {
    random::base62(8)
}

/// A stored item's key and what it holds.
#[derive(Debug, Deserialize)]
pub(crate) struct Keyed {
    pub pk: String,
    pub sk: String,
}
