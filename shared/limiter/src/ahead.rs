//! What a sandbox decides by itself: units taken ahead, units told of afterwards, and when it has seen enough of a key.

use std::time::Duration;

use dynamo::{UpdateExpression, le, missing};
use types::{Fault, Instant};

use crate::attempt::{Change, purge_at};
use crate::bucket::Row;
use crate::limiter::Limiter;
use crate::nanos;
use crate::policy::{Ban, Policy};
use crate::subject::Bucket;
use crate::takes::{Said, request_id};

impl Limiter {
    /// Takes units ahead and gives them out without asking: never one too many. The rest of a lease that ends is lost,
    /// so a key that is asked for seldom is given short ones: each that is used up makes the next twice as large.
    pub(crate) async fn take_leased(
        &self,
        policy: &Policy,
        bucket: &Bucket,
        cost: u64,
        now: Instant,
    ) -> Result<Said, Fault> {
        let name = bucket.name(nanos(now));
        let (most, term) = lease_of(policy, bucket);
        let (served, size) = self.memory.with(&name, |known| {
            if known.leased_until <= now {
                (known.leased, known.lease) = (0, if known.leased > 0 { 1 } else { known.lease });
            }
            let left = known.leased.checked_sub(cost);
            known.leased = left.unwrap_or(known.leased);
            let row = || known.row.as_ref().map(|(row, _)| row.clone()).unwrap_or_default();
            (left.map(|left| (row(), left)), known.lease.clamp(1, most))
        });
        if let Some((row, leased)) = served {
            return Ok(Said { bucket: bucket.clone(), row, previous: 0, denied: false, leased, local: true });
        }
        // As many as there are, if they are fewer than a lease; but never for less than the request.
        let mut wanted = size.max(cost);
        loop {
            let said = self.change_one(bucket, Change::Take(wanted), now).await?;
            if !said.denied {
                let leased = self.memory.with(&name, |known| {
                    known.leased += wanted - cost;
                    known.leased_until = now + term;
                    known.lease = (size * 2).min(most);
                    known.leased
                });
                return Ok(Said { leased, ..said });
            }
            let room = bucket.rule.standing(&said.row, 0, nanos(now), cost).remaining;
            if room < cost || wanted == cost {
                return Ok(said);
            }
            wanted = room.min(wanted - 1).max(cost);
        }
    }

    /// Counts by itself and tells the table now and then. What was let through is told as taken when the first of it
    /// was, so that what has flowed in since is not taken again; where the bucket stood full in between, it is: too few
    /// by at most what was untold. A telling that is not answered in time is not repeated: too many.
    pub(crate) async fn take_untold(
        &self,
        policy: &Policy,
        bucket: &Bucket,
        cost: u64,
        now: Instant,
    ) -> Result<Said, Fault> {
        let (at, name) = (nanos(now), bucket.name(nanos(now)));
        let (every, span) = sync_of(policy, bucket);
        let known = self.memory.of(&name);
        let due = known.told_at.is_none_or(|told| now.millis() - told.millis() >= span) || known.untold + cost > every;
        if due {
            let (untold, since) =
                self.memory.with(&name, |known| (std::mem::take(&mut known.untold), known.untold_since));
            if untold > 0 {
                self.change_one(bucket, Change::Charge(untold), since).await?;
            }
            let said = self.change_one(bucket, Change::Take(cost), now).await?;
            self.memory.with(&name, |known| known.told_at = Some(now));
            return Ok(said);
        }
        // The TAT as last told of, and what was let through here since: at most what has been taken in all.
        let gcra = crate::Gcra::of(bucket.rule.limit);
        Ok(self.memory.with(&name, |known| {
            let (mut row, seen) = known.row.take().unwrap_or((Row::default(), now));
            let next = gcra.take(row.tat, at, cost);
            if let Ok(tat) = next {
                row.tat = Some(tat);
                known.untold_since = if known.untold == 0 { now } else { known.untold_since };
                known.untold += cost;
            }
            known.saw(row.clone(), seen); // nothing was seen of it now
            Said { bucket: bucket.clone(), row, previous: 0, denied: next.is_err(), leased: 0, local: true }
        }))
    }

    /// Counts a refusal; when there were enough, nothing fits into the bucket until the ban ends, whoever asks.
    pub(crate) async fn note_denial(&self, ban: Ban, said: &mut Said, now: Instant) -> Result<(), Fault> {
        if said.row.banned_until > now.millis() {
            return Ok(());
        }
        let (at, name) = (nanos(now), said.bucket.name(nanos(now)));
        let within = Duration::from_secs(ban.within_seconds.into());
        let enough = self.memory.with(&name, |known| {
            if known.denied_since + within <= now {
                (known.denials, known.denied_since) = (0, now);
            }
            known.denials += 1;
            known.denials >= ban.denials
        });
        if !enough {
            return Ok(());
        }
        let until = now + Duration::from_secs(ban.seconds.into());
        // When the ban ends there is one unit, and the bucket fills from there.
        let gcra = crate::Gcra::of(said.bucket.rule.limit);
        let tat = nanos(until).saturating_add(gcra.depth).saturating_sub(gcra.interval);
        let expression = UpdateExpression::new()
            .set("tat", tat)
            .set("banned_until", until)
            .set("last", request_id())
            .set("purge_at", purge_at(tat))
            .when(missing("tat").or(le("tat", tat)));
        let update = self.table.update(said.bucket.key(at)).apply(expression);
        let row = match update.send_or::<Row, Row, Option<Row>>(|row| row).await? {
            Ok(row) => row,
            Err(row) => row.unwrap_or_default(),
        };
        self.memory.with(&name, |known| {
            known.denials = 0;
            known.saw(row.clone(), now);
        });
        said.row = row;
        Ok(())
    }
}

/// Units and life of a lease.
fn lease_of(policy: &Policy, bucket: &Bucket) -> (u64, Duration) {
    let most = bucket.rule.most();
    match policy.lease {
        Some(lease) => (lease.units.min(most), Duration::from_millis(lease.milliseconds.into())),
        None => ((bucket.rule.limit.quota / 100).clamp(1, most), Duration::from_secs(1)),
    }
}

/// Units and milliseconds after which the table is told.
fn sync_of(policy: &Policy, bucket: &Bucket) -> (u64, i64) {
    match policy.sync {
        Some(sync) => (sync.every, sync.milliseconds.into()),
        None => ((bucket.rule.limit.quota / 100).max(1), 1000),
    }
}
