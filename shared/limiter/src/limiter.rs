//! The limiter: a policy, a request's keys, a decision.

use std::sync::Arc;

use dynamo::{Consistency, Key, Table, from_attributes};
use types::secret::PurposeKey;
use types::{Fault, Instant};

use crate::attempt::Change;
use crate::bucket::{Row, Rule};
use crate::decision::{Decision, Part, Reason};
use crate::memory::Memory;
use crate::policy::{Mode, Policy, Unavailable};
use crate::subject::{Bucket, CheckError, Subject};
use crate::takes::{Keyed, Said};
use crate::{instant, nanos};

/// Takes from the buckets of a table. Clones share what the sandbox knows.
#[derive(Clone)]
pub struct Limiter {
    pub(crate) table: Table,
    pub(crate) digest: PurposeKey,
    pub(crate) memory: Arc<Memory>,
    patience: u32,
}

impl Limiter {
    /// The limiter on `table`; `digest` is what keys are stored under.
    pub fn new(table: Table, digest: PurposeKey) -> Self {
        Self { table, digest, memory: Arc::default(), patience: 1 }
    }

    /// Waits so many times as long as policies say, for a table that is slower than DynamoDB.
    #[must_use]
    pub fn patient(mut self, patience: u32) -> Self {
        self.patience = patience.max(1);
        self
    }

    /// How long the table may take, by this policy.
    pub fn deadline(&self, policy: &Policy) -> std::time::Duration {
        policy.deadline() * self.patience
    }

    /// Decides whether a request of `cost` may go on, and takes from the buckets if it may. In the common case that is
    /// one round trip, and none where this sandbox knows already that there is no room.
    ///
    /// # Errors
    /// When the request's keys or cost do not fit the policy. What the table cannot say in time is a decision too.
    pub async fn check(&self, subject: &Subject<'_>, cost: u64, now: Instant) -> Result<Decision, CheckError> {
        let policy = subject.policy;
        let buckets = subject.buckets(&self.digest)?;
        let most = |bucket: &&Bucket| bucket.rule.most() / bucket.shards();
        if let Some(bucket) = buckets.iter().find(|bucket| cost > most(bucket)) {
            return Err(CheckError::Cost { dimension: bucket.dimension.clone(), cost, most: most(&bucket) });
        }
        if buckets.is_empty() {
            return Ok(Decision::bare(true, Reason::Unlimited));
        }
        // Boxed: its ways are many, and whoever awaits it need not hold the largest of them.
        let taking = Box::pin(self.take(policy, &buckets, cost, now));
        let mut said = match tokio::time::timeout(self.deadline(policy), taking).await {
            Ok(Ok(said)) => said,
            Ok(Err(fault)) => return Ok(unavailable(policy, subject, &fault)),
            Err(_) => {
                let fault = Fault::transient("the table did not answer in time");
                return Ok(unavailable(policy, subject, &fault));
            }
        };
        if let (Some(ban), [one]) = (policy.ban.filter(|_| !policy.shadow), &mut said[..])
            && one.denied
        {
            // The refusal stands, whether the ban is written down or not.
            match tokio::time::timeout(self.deadline(policy), self.note_denial(ban, one, now)).await {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => tracing::warn!(fault = fault.chain(), "a ban was not written down"),
                Err(_) => tracing::warn!("a ban was not written down in time"),
            }
        }
        Ok(decide(policy, &said, cost, now))
    }

    async fn take(&self, policy: &Policy, buckets: &[Bucket], cost: u64, now: Instant) -> Result<Vec<Said>, Fault> {
        let [bucket] = buckets else { return self.take_all(buckets, cost, now).await };
        let said = match policy.mode {
            _ if bucket.shards() > 1 => self.change_sharded(bucket, Change::Take(cost), now).await?,
            Mode::Exact => self.change_one(bucket, Change::Take(cost), now).await?,
            Mode::Hedged => self.take_hedged(bucket, cost, now).await?,
            Mode::NeverOver => self.take_leased(policy, bucket, cost, now).await?,
            Mode::NeverUnder => self.take_untold(policy, bucket, cost, now).await?,
        };
        Ok(vec![said])
    }

    /// Gives units back, at most what was taken. Not of keys in shards, of which nobody knows what each gave.
    ///
    /// # Errors
    /// Refuses keys that do not fit the policy. A fault leaves unknown whether they were given back. An answer that was
    /// lost may give back twice, where another write came between.
    pub async fn refund(&self, subject: &Subject<'_>, units: u64, now: Instant) -> types::Answer<(), CheckError> {
        let buckets = match subject.buckets(&self.digest) {
            Ok(buckets) => buckets,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // None can be refused, so no transaction is needed: at once, and each by itself.
        let each = buckets.iter().map(|bucket| self.change_one(bucket, Change::Refund(units), now));
        futures_util::future::try_join_all(each).await?;
        Ok(Ok(()))
    }

    /// How the buckets stand, without taking: one read of all of them, strongly consistent.
    ///
    /// # Errors
    /// Refuses keys that do not fit the policy.
    pub async fn peek(&self, subject: &Subject<'_>, now: Instant) -> types::Answer<Decision, CheckError> {
        let buckets = match subject.buckets(&self.digest) {
            Ok(buckets) => buckets,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if buckets.is_empty() {
            return Ok(Ok(Decision::bare(true, Reason::Unlimited)));
        }
        let at = nanos(now);
        let shards: Vec<Bucket> = buckets.iter().flat_map(Bucket::each_shard).collect();
        let keys: Vec<Key> = shards.iter().flat_map(|shard| shard.keys(at)).collect();
        let mut rows = std::collections::HashMap::new();
        for item in self.table.get_many(&keys, Consistency::Strong).await? {
            let Keyed { pk, sk } = from_attributes(item.clone())?;
            rows.insert((pk, sk), from_attributes::<Row>(item)?);
        }
        let row = |key: Key| rows.get(&(key.pk, key.sk)).cloned().unwrap_or_default();
        let said: Vec<Said> = shards
            .into_iter()
            .map(|bucket| {
                let previous = bucket.key_before(at).and_then(|key| row(key).taken).unwrap_or(0);
                Said { row: row(bucket.key(at)), bucket, previous, denied: false, leased: 0, local: false }
            })
            .collect();
        let mut parts: Vec<Part> = Vec::new();
        for part in said.iter().map(|said| shard_of(said, 1, now)) {
            match parts.last_mut().filter(|last| last.dimension == part.dimension) {
                Some(whole) => add(whole, part),
                None => parts.push(part),
            }
        }
        let allowed = parts.iter().all(|part| part.retry_at.is_none());
        let banned = said.iter().any(|said| said.row.banned_until > now.millis());
        let reason = match (allowed, banned) {
            (true, _) => Reason::Admitted,
            (false, true) => Reason::Banned,
            (false, false) => Reason::Denied,
        };
        Ok(Ok(Decision { allowed, reason, parts, wait: std::time::Duration::ZERO }))
    }

    /// Forgets all that was taken, bans too. Other sandboxes may go on refusing for up to 10 s by what they have seen.
    ///
    /// # Errors
    /// Refuses keys that do not fit the policy.
    pub async fn reset(&self, subject: &Subject<'_>, now: Instant) -> types::Answer<(), CheckError> {
        let buckets = match subject.buckets(&self.digest) {
            Ok(buckets) => buckets,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let at = nanos(now);
        for key in buckets.iter().flat_map(Bucket::each_shard).flat_map(|shard| shard.keys(at)) {
            self.memory.forget(&format!("{}#{}", key.pk, key.sk));
            let deleted = self.table.delete(key).send_or::<serde::de::IgnoredAny, ()>(|_| ()).await?;
            deleted.map_err(|()| Fault::permanent("a deletion without a condition was refused"))?;
        }
        Ok(Ok(()))
    }
}

/// The shards of a key together.
fn add(whole: &mut Part, shard: Part) {
    whole.limit.quota += shard.limit.quota;
    whole.limit.burst = whole.limit.burst.zip(shard.limit.burst).map(|(one, other)| one + other);
    whole.most += shard.most;
    whole.remaining += shard.remaining;
    whole.reset_at = whole.reset_at.max(shard.reset_at);
    whole.retry_at = whole.retry_at.zip(shard.retry_at).map(|(one, other)| one.min(other));
}

/// The whole bucket, as far as one of its shards tells: the others are most likely as full.
fn part_of(said: &Said, cost: u64, now: Instant) -> Part {
    let (part, whole) = (shard_of(said, cost, now), Rule { limit: said.bucket.whole, ..said.bucket.rule });
    let remaining = part.remaining.saturating_mul(said.bucket.shards()).min(whole.most());
    Part { limit: whole.limit, most: whole.most(), remaining, ..part }
}

fn shard_of(said: &Said, cost: u64, now: Instant) -> Part {
    let rule = said.bucket.rule;
    let standing = rule.standing(&said.row, said.previous, nanos(now), cost);
    Part {
        dimension: said.bucket.dimension.clone(),
        limit: rule.limit,
        most: rule.most(),
        remaining: standing.remaining.saturating_add(said.leased),
        reset_at: instant(standing.reset_at),
        retry_at: standing.retry_at.map(instant),
    }
}

fn decide(policy: &Policy, said: &[Said], cost: u64, now: Instant) -> Decision {
    let denied = said.iter().any(|said| said.denied);
    let banned = said.iter().any(|said| said.row.banned_until > now.millis());
    if said.iter().all(|said| said.local) {
        aws::count("limit_local", 1.0);
    }
    let (reason, count) = match (denied, banned) {
        _ if denied && policy.shadow => (Reason::Shadow, "limit_shadow_denied"),
        (false, _) => (Reason::Admitted, "limit_allowed"),
        (true, true) => (Reason::Banned, "limit_banned"),
        (true, false) => (Reason::Denied, "limit_denied"),
    };
    aws::count(count, 1.0);
    let parts: Vec<Part> = said.iter().map(|said| part_of(said, if said.denied { cost } else { 0 }, now)).collect();
    let wait = said.iter().map(|said| {
        let rule = said.bucket.rule;
        let own = if said.denied { 0 } else { crate::Gcra::of(rule.limit).span(cost) };
        rule.standing(&said.row, said.previous, nanos(now), 0).wait.saturating_sub(own).max(0)
    });
    let wait = std::time::Duration::from_nanos(wait.max().unwrap_or(0).unsigned_abs());
    Decision { allowed: !denied || policy.shadow, reason, parts, wait: if denied { Default::default() } else { wait } }
}

/// What is answered where the table is slow or down. Whether something was taken is then unknown.
fn unavailable(policy: &Policy, subject: &Subject<'_>, fault: &Fault) -> Decision {
    tracing::warn!(fault = fault.chain(), space = %subject.space, policy = subject.id, "a limit could not be checked");
    let open = policy.shadow || policy.when_unavailable == Unavailable::Open;
    let (reason, count) = match open {
        true => (Reason::FailedOpen, "limit_failed_open"),
        false => (Reason::FailedClosed, "limit_failed_closed"),
    };
    aws::count(count, 1.0);
    Decision::bare(open, reason)
}
