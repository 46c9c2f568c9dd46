//! The table: keys, items, one method per access pattern (the README's table lists them).

mod clicks;
mod domains;
mod edits;
pub(crate) mod keys;
mod outcomes;
mod sums;
mod sweep;

use dynamo::{
    Consistency, Done, Item, Key, Page, Position, Table, UpdateExpression, Value, contains, eq, exists, gt, le, missing,
};
use serde::{Deserialize, Serialize};
use types::{Answer, Fault, Instant, Once, OnceRefusal};

use crate::domain::{Code, GRACE, Link, LinkError};
pub use sums::{Slot, rolled_up};

/// Expiry buckets are hours, each in this many partitions, so that links that expire together are not written to one.
const EXPIRY_SHARDS: u64 = 8;

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
            let [bucket, moment] = due_keys(&self.code, self.warn_at, at);
            index.push(("expiry_pk", bucket.into()));
            index.push(("expiry_sk", moment.into()));
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

/// Where a link stands in the index by expiry: at the warning of its end while that is ahead, then at the end. So one
/// query finds both.
fn due_keys(code: &Code, warn_at: Option<Instant>, expires_at: Instant) -> [String; 2] {
    let shard = code.as_str().bytes().map(u64::from).sum::<u64>() % EXPIRY_SHARDS;
    let moment = match warn_at {
        Some(at) => keys::warning(at, code.as_str()),
        None => keys::moment(expires_at, code.as_str()),
    };
    [keys::expiry(expiry_hour(warn_at.unwrap_or(expires_at)), shard), moment]
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

/// A caller's link to a URL, for requests that want no second one.
#[derive(Serialize, Deserialize)]
struct Known {
    owner: String,
    /// Keyed hash of domain and URL.
    target: String,
    code: Code,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    purge_at: Option<i64>,
}

impl Item for Known {
    fn key(&self) -> Key {
        keys::known(&self.owner, &self.target)
    }
}

/// Why a link was not claimed.
enum Clash {
    /// It is there: this very link.
    Met,
    Link(LinkError),
    Known(Option<Code>),
}

impl Clash {
    fn taken() -> Self {
        Self::Link(LinkError::CodeTaken)
    }
}

impl From<OnceRefusal> for Clash {
    fn from(refusal: OnceRefusal) -> Self {
        Self::Link(refusal.into())
    }
}

/// Which link to the same URL a new one takes the place of, when the next request looks for one.
#[derive(Debug)]
pub enum Replaces {
    /// None: there must be none.
    Nothing,
    /// The one of this code, which a look showed to lead there no more.
    Stale(Code),
    /// Whichever there is.
    Anything,
}

/// How a claim that wants no second link to its URL ended.
#[derive(Debug)]
pub enum Deduped {
    /// A new link, or the same request's.
    Claimed(Box<Link>),
    /// The caller has a link to this URL under this code, or had.
    Known(Option<Code>),
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
        let Some(once) = once else {
            // A write whose reply was lost is sent again and meets itself: that is success.
            let met = |standing: Option<Link>| standing.is_some_and(|standing| standing.is_claim_of(&link));
            let outcome = self.table.put(&link).when(free).send_or(met).await?;
            return Ok(match outcome {
                Ok(()) | Err(true) => Ok(link),
                Err(false) => Err(LinkError::CodeTaken),
            });
        };
        // Its first sending, unkeyed or given up half-way, may have taken effect: then only the record is missing.
        let met = |there: Option<Link>| there.is_some_and(|there| there.is_claim_of(&link));
        let taken = |there| if met(there) { Clash::Met } else { Clash::taken() };
        let transaction = self.table.transact::<Clash>().put(&link, free, taken)?.once(once.clone(), &link, now)?;
        match transaction.send::<Link>().await? {
            Ok(Done::Now) => Ok(Ok(link)),
            Ok(Done::Before(first)) => Ok(Ok(first)),
            Err(Clash::Met) => self.remember(once, link, now).await,
            Err(Clash::Link(refusal)) => Ok(Err(refusal)),
            Err(Clash::Known(_)) => Err(Fault::permanent("a claim that looks for no other link found one")),
        }
    }

    /// Claims a link's code unless its owner has a link to `target` already that it does not replace: one transaction.
    ///
    /// # Errors
    /// As [`Store::claim`].
    pub async fn claim_once(
        &self,
        link: Link,
        target: String,
        replaces: &Replaces,
        once: Option<Once>,
        now: Instant,
    ) -> Answer<Deduped, LinkError> {
        let (owner, code) = (link.owner.clone(), link.code.clone());
        let purge_at = link.forgotten_at().map(Instant::seconds);
        let known = Known { owner, target, code, purge_at };
        let unknown = missing("pk").or(le("purge_at", now.seconds()));
        let unknown = match replaces {
            Replaces::Nothing => unknown,
            Replaces::Stale(code) => unknown.or(eq("code", code.as_str())),
            Replaces::Anything => unknown.or(exists("pk")),
        };
        let free = missing("pk").or(le("purge_at", now.seconds()));
        let transaction = self.table.transact::<Clash>();
        let transaction =
            transaction.put(&known, unknown, |there| Clash::Known(there.map(|known: Known| known.code)))?;
        let mut transaction = transaction.put(&link, free, |_| Clash::taken())?;
        if let Some(once) = once {
            transaction = transaction.once(once, &link, now)?;
        }
        Ok(match transaction.send::<Link>().await? {
            Ok(Done::Now) => Ok(Deduped::Claimed(Box::new(link))),
            Ok(Done::Before(first)) => Ok(Deduped::Claimed(Box::new(first))),
            Err(Clash::Known(code)) => Ok(Deduped::Known(code)),
            Err(Clash::Link(refusal)) => Err(refusal),
            Err(Clash::Met) => Err(LinkError::CodeTaken), // its pointer would have been met first
        })
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

    /// Disables `owner`'s link: one conditional write. What did not open any more is as good as disabled, and is told.
    ///
    /// # Errors
    /// Refuses with [`LinkError::NotFound`] what is not there, not `owner`'s, or forgotten.
    pub async fn disable(&self, code: &Code, owner: &str, now: Instant) -> Answer<Option<Link>, LinkError> {
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
            Ok(_) => Ok(None),
            Err(Ok(before)) => Ok(Some(before)),
            Err(Err(refusal)) => Err(refusal),
        })
    }

    /// A page of `owner`'s links, newest first: one query of the sparse index `by_owner`. A tag leaves out others after
    /// they were read, so such a page may hold fewer than its limit.
    ///
    /// # Errors
    /// Our failure.
    pub async fn list(
        &self,
        owner: &str,
        tag: Option<&str>,
        limit: u16,
        after: Option<Position>,
    ) -> Result<Page<Link>, Fault> {
        let query = self.table.query(keys::owner(owner)).index("by_owner", "owner_pk", "owner_sk");
        query.filter(tag.map(|tag| contains("tags", tag))).descending().after(after).page(limit).await
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
}
