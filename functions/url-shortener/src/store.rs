//! The table: keys, items, one method per access pattern (the README's table lists them).

pub(crate) mod keys;
mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dynamo::{
    Consistency, Done, Item, Key, Page, Position, Table, UpdateExpression, Value, eq, exists, from_attributes, gt, le,
    lt, missing,
};
use serde::Deserialize;
use types::{Answer, Fault, Instant, Once};

use crate::domain::{Click, Code, Counts, GRACE, Link, LinkError};
pub use sums::{Slot, rolled_up};
use sums::{days_of, sort_key};

/// How long minutes, hours and days are kept: longer than a click waits in a queue, so that a late one is recognised.
const PARTS_KEPT: Duration = Duration::from_secs(16 * 24 * 3600);
/// How long months are kept (guide 000: 10 years).
const MONTHS_KEPT: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Expiry buckets are hours, each in this many partitions, so that links that expire together are not written to one.
const EXPIRY_SHARDS: u64 = 8;
/// Most months of a link, with the link itself: its statistics are read with one query.
const MOST_MONTHS: usize = 200;

impl Item for Link {
    fn key(&self) -> Key {
        keys::link(&self.code)
    }

    fn index(&self) -> Vec<(&'static str, Value)> {
        let mut index = Vec::new();
        if self.disabled_at.is_none() {
            index.push(("owner_pk", keys::owner(&self.owner).into()));
            index.push(("owner_sk", keys::moment(self.created_at, self.code.as_str()).into()));
        }
        if let Some(at) = self.expires_at.filter(|_| self.swept_at.is_none() && self.disabled_at.is_none()) {
            let shard = self.code.as_str().bytes().map(u64::from).sum::<u64>() % EXPIRY_SHARDS;
            index.push(("expiry_pk", keys::expiry(expiry_hour(at), shard).into()));
            index.push(("expiry_sk", keys::moment(at, self.code.as_str()).into()));
        }
        if let Some(at) = self.forgotten_at() {
            index.push(("purge_at", at.seconds().into()));
        }
        index
    }
}

/// The hour of `at`, counted since the epoch: the bucket that a link expires in.
pub fn expiry_hour(at: Instant) -> i64 {
    at.seconds().div_euclid(3600)
}

/// The url-shortener's table.
#[derive(Debug, Clone)]
pub struct Store {
    table: Table,
}

#[derive(Deserialize)]
struct Counter {
    next: u64,
}

#[derive(Deserialize)]
struct Sweep {
    hour: i64,
}

/// An entry of the expiry index.
#[derive(Debug, Deserialize)]
struct Due {
    pk: String,
}

impl Store {
    /// The store on `table`.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Claims a link's code: one conditional write, or one transaction with the idempotency record. A forgotten link's
    /// code is free whether or not TTL has removed it yet.
    ///
    /// # Errors
    /// Refuses with [`LinkError::CodeTaken`], or [`LinkError::Once`] for a key used otherwise.
    pub async fn claim(&self, link: Link, once: Option<Once>, now: Instant) -> Answer<Link, LinkError> {
        let free = missing("pk").or(le("purge_at", now.seconds()));
        let taken = |_: Option<Link>| LinkError::CodeTaken;
        let Some(once) = once else {
            // A write whose reply was lost is sent again and meets itself: that is success.
            let met = |standing: Option<Link>| standing.as_ref() == Some(&link);
            let outcome = self.table.put(&link).when(free).send_or(met).await?;
            return Ok(match outcome {
                Ok(()) | Err(true) => Ok(link),
                Err(false) => Err(LinkError::CodeTaken),
            });
        };
        let transaction = self.table.transact::<LinkError>().put(&link, free, taken)?.once(once, &link, now)?;
        Ok(transaction.send::<Link>().await?.map(|done| match done {
            Done::Now => link,
            Done::Before(first) => first,
        }))
    }

    /// The link that the same request claimed before, if it did: one read, for a repetition that would be refused by
    /// now.
    ///
    /// # Errors
    /// Refuses with [`LinkError::Once`] a key used otherwise.
    pub async fn claimed(&self, once: &Once, now: Instant) -> Answer<Option<Link>, LinkError> {
        self.table.replay(once, now).await
    }

    /// Reads a link for a redirect: one eventually consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn find(&self, code: &Code) -> Result<Option<Link>, Fault> {
        self.table.get(&keys::link(code), Consistency::Eventual).await
    }

    /// Reads a link for its owner: one strongly consistent read, so that one sees what one wrote.
    ///
    /// # Errors
    /// Our failure.
    pub async fn find_now(&self, code: &Code) -> Result<Option<Link>, Fault> {
        self.table.get(&keys::link(code), Consistency::Strong).await
    }

    /// Disables `owner`'s link: one conditional write. What does not open any more is as good as disabled.
    ///
    /// # Errors
    /// Refuses with [`LinkError::NotFound`] what is not there, not `owner`'s, or forgotten.
    pub async fn disable(&self, code: &Code, owner: &str, now: Instant) -> Answer<(), LinkError> {
        let opens = missing("disabled_at").and(missing("expires_at").or(gt("expires_at", now)));
        let expression = UpdateExpression::new()
            .set("disabled_at", now)
            .set("purge_at", (now + GRACE).seconds())
            .remove("owner_pk")
            .remove("owner_sk")
            .remove("expiry_pk")
            .remove("expiry_sk")
            .when(eq("owner", owner).and(opens));
        let update = self.table.update(keys::link(code)).apply(expression);
        let refused = |standing: Option<Link>| standing.ok_or(LinkError::NotFound).and_then(|link| link.of(owner, now));
        Ok(match update.send_or::<Link, Link, Result<Link, LinkError>>(refused).await? {
            Ok(_) | Err(Ok(_)) => Ok(()),
            Err(Err(refusal)) => Err(refusal),
        })
    }

    /// A page of `owner`'s links, newest first: one query of the sparse index `by_owner`.
    ///
    /// # Errors
    /// Our failure.
    pub async fn list(&self, owner: &str, limit: u16, after: Option<Position>) -> Result<Page<Link>, Fault> {
        let query = self.table.query(keys::owner(owner)).index("by_owner", "owner_pk", "owner_sk");
        query.descending().after(after).page(limit).await
    }

    /// A link and the sums of its days: one query, since `LINK` and `MONTH#…` are neighbours in the partition. Strongly
    /// consistent, so that one sees the link that one made.
    ///
    /// # Errors
    /// Our failure.
    pub async fn stats(&self, code: &Code) -> Result<Option<(Link, BTreeMap<String, Counts>)>, Fault> {
        let query = self.table.query(keys::partition(code)).between(keys::LINK, keys::MONTHS_END).strong();
        let mut items = query.all(MOST_MONTHS).await?.into_iter();
        let Some(link) = items.next().filter(|first| sort_key(first) == keys::LINK) else { return Ok(None) };
        let link: Link = from_attributes(link)?;
        let claimed = link.created_at.day().to_string(); // days before are of an earlier, forgotten link
        let mut days = BTreeMap::new();
        for month in items {
            days.extend(days_of(month)?.into_iter().filter(|(date, _)| *date >= claimed));
        }
        Ok(Some((link, days)))
    }

    /// Leases `count` consecutive ids that nobody else will get: one write.
    ///
    /// # Errors
    /// Our failure; a lost reply loses the ids, of which there are enough.
    pub async fn lease_ids(&self, count: u32) -> Result<std::ops::Range<u64>, Fault> {
        let expression = UpdateExpression::new().add("next", u64::from(count));
        let update = self.table.update(keys::ids()).apply(expression);
        let counter: Result<Counter, ()> = update.send_or(|_: Option<Counter>| ()).await?;
        let next = counter.map_err(|()| Fault::permanent("leasing ids was refused without a condition"))?.next;
        Ok(next - u64::from(count)..next)
    }

    /// Unites clicks of one code, minute and shard with what is there: one write, and the same whether a click comes
    /// once or often.
    ///
    /// # Errors
    /// Our failure.
    pub async fn record_clicks(&self, code: &Code, minute: Instant, shard: u8, clicks: &[&Click]) -> Result<(), Fault> {
        // A batch may hold a click twice; DynamoDB refuses a set that does.
        let packed: BTreeSet<Vec<u8>> = clicks.iter().map(|click| click.pack()).collect();
        let Some(members) = Value::binary_set(packed) else { return Ok(()) };
        let expression =
            UpdateExpression::new().add("clicks", members).set("purge_at", (minute + PARTS_KEPT).seconds());
        self.table.update(keys::minute(code, minute, shard)).apply(expression).send().await
    }

    /// Overwrites one slot of an hour, a day or a month with a fuller sum: one write. Sums of sets that only grow are
    /// ordered by their clicks, so a stale one is refused and a repeated one changes nothing.
    ///
    /// # Errors
    /// Our failure.
    pub async fn roll_up(&self, partition: &str, into: &Slot, counts: &Counts) -> Result<(), Fault> {
        let size = format!("{}_clicks", into.slot);
        let kept = if into.sort_key.starts_with(keys::MONTH) { MONTHS_KEPT } else { PARTS_KEPT };
        let fuller = missing(size.as_str()).or(lt(size.as_str(), counts.clicks));
        let expression = UpdateExpression::new()
            .set(into.slot.as_str(), Value::of(counts)?)
            .set(size, counts.clicks)
            .set("purge_at", (into.at + kept).seconds())
            .when(fuller);
        let update = self.table.update(Key::new(partition, into.sort_key.as_str())).apply(expression);
        let stale: Result<serde::de::IgnoredAny, ()> = update.send_or(|_: Option<serde::de::IgnoredAny>| ()).await?;
        if stale.is_err() {
            aws::count("stale_sums", 1.0);
        }
        Ok(())
    }

    /// The first hour (since the epoch) that may still hold links to sweep.
    ///
    /// # Errors
    /// Our failure.
    pub async fn swept_until(&self) -> Result<Option<i64>, Fault> {
        let sweep: Option<Sweep> = self.table.get(&keys::sweep(), Consistency::Strong).await?;
        Ok(sweep.map(|sweep| sweep.hour))
    }

    /// Remembers that all hours before `hour` are swept; never goes back.
    ///
    /// # Errors
    /// Our failure.
    pub async fn set_swept_until(&self, hour: i64) -> Result<(), Fault> {
        let expression = UpdateExpression::new().set("hour", hour).when(missing("pk").or(lt("hour", hour)));
        let update = self.table.update(keys::sweep()).apply(expression);
        update.send_or::<Sweep, Sweep, ()>(|_| ()).await.map(drop)
    }

    /// Codes that expired in `hour` up to `now` and are not swept yet: one query per shard.
    ///
    /// # Errors
    /// Our failure.
    pub async fn due(&self, hour: i64, now: Instant, limit: u16) -> Result<Vec<Code>, Fault> {
        let mut codes = Vec::new();
        for shard in 0..EXPIRY_SHARDS {
            let query = self.table.query(keys::expiry(hour, shard)).index("by_expiry", "expiry_pk", "expiry_sk");
            let page: Page<Due> = query.between("0", keys::moment(now, "~")).page(limit).await?;
            codes.extend(page.items.iter().filter_map(|due| keys::code_of(&due.pk)));
        }
        Ok(codes)
    }

    /// Marks an expired link as swept and takes it out of the index: one conditional write; true the first time only.
    ///
    /// # Errors
    /// Our failure.
    pub async fn sweep(&self, code: &Code, now: Instant) -> Result<bool, Fault> {
        let expired = le("expires_at", now).and(exists("expires_at"));
        let expired = expired.and(missing("swept_at")).and(missing("disabled_at"));
        let expression =
            UpdateExpression::new().set("swept_at", now).remove("expiry_pk").remove("expiry_sk").when(expired);
        let update = self.table.update(keys::link(code)).apply(expression);
        Ok(update.send_or::<Link, Link, ()>(|_| ()).await?.is_ok())
    }
}
