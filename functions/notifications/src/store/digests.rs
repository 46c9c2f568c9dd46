//! Digests: what is collected for one, by transactions that a closed one refuses.

use std::time::Duration;

use dynamo::{Consistency, Item, Key, UpdateExpression, Value, eq, exists, lt, missing};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use types::time::millis;
use types::{Fault, Instant, OnceRefusal, random};

use super::{Clash, Store, keys};
use crate::domain::{Delivery, DeliveryState, DigestItem, DigestPeriod, MOST_READ, Notification};

/// How often a notification is collected that others collect for the same digest at the same moment.
const TRIES: u8 = 6;
/// With less than this left of its invocation, it is given up.
const RESERVE: Duration = Duration::from_secs(10);

impl Item for DigestItem {
    fn key(&self) -> Key {
        keys::digest_item(&self.tenant, &self.user, self.until, &self.notification)
    }
}

impl Item for DigestPeriod {
    fn key(&self) -> Key {
        keys::digest_period(&self.tenant, &self.user, self.until)
    }
}

/// That a notification is in a digest, and in which: its other mailboxes are told by the same one.
#[derive(Debug, Serialize, Deserialize)]
struct Collected {
    tenant: String,
    user: String,
    notification: String,
    digest: String,
    #[serde(with = "millis")]
    until: Instant,
    purge_at: i64,
}

impl Item for Collected {
    fn key(&self) -> Key {
        keys::digest_mark(&self.tenant, &self.user, &self.notification)
    }
}

/// How a collection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collecting {
    /// The digest has it, or the delivery is not ours to collect any more.
    Done,
    /// The digest takes nothing any more: the next one does.
    Closed,
}

/// Why a collection was refused.
enum Refused {
    /// The delivery is not as it was.
    Delivery,
    /// The notification is in this digest.
    Before(String),
    /// It is the first of its digest.
    First,
    /// It is not the first.
    NotFirst,
    Closed,
}

impl From<OnceRefusal> for Refused {
    fn from(_: OnceRefusal) -> Self {
        Self::Delivery
    }
}

impl Store {
    /// Puts a notification into its user's digest instead of sending a delivery of it, all in one transaction of four
    /// writes: the delivery, the mark that the notification is in a digest, what the digest will show, and the digest's
    /// count. The first of a digest makes that and what wakes it at its time, five writes. A digest that is closed
    /// refuses, so that none is told and forgotten.
    ///
    /// # Errors
    /// Our failure; also when others were always ahead.
    pub async fn collect(
        &self,
        delivery: &Delivery,
        item: &DigestItem,
        digest: &str,
        now: Instant,
    ) -> Result<Collecting, Fault> {
        let (mut first, mut tries) = (false, 0);
        while tries < TRIES {
            tries += 1;
            let tried = match self.try_to_collect(delivery, item, digest, first, now).await {
                Ok(tried) => tried,
                // Where many tell one user at once, each holds the digest for milliseconds; a message would come again
                // in minutes.
                Err(fault) if fault.is_transient() && aws::remaining() > RESERVE => {
                    tries -= 1;
                    let jitter = u64::from(random::bytes::<1>()[0]);
                    tokio::time::sleep(Duration::from_millis(100 + jitter)).await;
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            match tried {
                Ok(()) | Err(Refused::Delivery) => return Ok(Collecting::Done),
                Err(Refused::Before(digest)) => {
                    let update = self.table.update(delivery.key()).apply(collected(delivery, &digest));
                    update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.ok();
                    return Ok(Collecting::Done);
                }
                Err(Refused::Closed) => return Ok(Collecting::Closed),
                Err(Refused::First) => first = true,
                Err(Refused::NotFirst) => first = false,
            }
        }
        Err(Fault::transient("others always collected for the digest at the same moment"))
    }

    async fn try_to_collect(
        &self,
        delivery: &Delivery,
        item: &DigestItem,
        digest: &str,
        first: bool,
        now: Instant,
    ) -> Result<Result<(), Refused>, Fault> {
        let DigestItem { tenant, user, until, notification, purge_at, .. } = item.clone();
        let mark = Collected { tenant, user, notification, digest: digest.to_owned(), until, purge_at };
        let is_there = |there: Option<Collected>| Refused::Before(there.map(|it| it.digest).unwrap_or_default());
        let transaction = self.table.transact::<Refused>();
        let expression = collected(delivery, digest);
        let transaction =
            transaction.update(&delivery.key(), &expression, |_: Option<IgnoredAny>| Refused::Delivery)?;
        let transaction = transaction.put(&mark, missing("pk"), is_there)?;
        let transaction = if first {
            let Collected { tenant, user, .. } = mark;
            let period = DigestPeriod { tenant, user, until, count: 1, closed_at: None, purge_at };
            let due = self.due.item(&due_id(item), until, &item.errand(), now).await?;
            let transaction = transaction.put(&period, missing("pk"), |_| Refused::NotFirst)?;
            transaction.put(&due, missing("pk"), |_| Refused::NotFirst)?
        } else {
            let key = keys::digest_period(&item.tenant, &item.user, until);
            let open = UpdateExpression::new().add("count", 1_u64).when(exists("pk").and(missing("closed_at")));
            let refused = |period: Option<DigestPeriod>| period.map_or(Refused::First, |_| Refused::Closed);
            transaction.update(&key, &open, refused)?
        };
        // Refused by none of its own: the mark stands where it does.
        let transaction = transaction.put(item, missing("pk"), |_| Refused::Delivery)?;
        Ok(transaction.send::<()>().await?.map(drop))
    }

    /// Closes a digest, so that it is what it is from now on: one conditional write. None where it is forgotten.
    ///
    /// # Errors
    /// Our failure.
    pub async fn close_digest(
        &self,
        tenant: &str,
        user: &str,
        until: Instant,
        now: Instant,
    ) -> Result<Option<DigestPeriod>, Fault> {
        let close = UpdateExpression::new().set("closed_at", now).when(exists("pk").and(missing("closed_at")));
        let update = self.table.update(keys::digest_period(tenant, user, until)).apply(close);
        let closed = update.send_or::<DigestPeriod, DigestPeriod, _>(|before| before).await?;
        Ok(closed.map_or_else(|before| before, Some))
    }

    /// What a closed digest has, the newest first, at most [`MOST_READ`]: one strongly consistent query, and one more
    /// for each further megabyte.
    ///
    /// # Errors
    /// Our failure; also while a transaction that was committed before it closed is not seen whole: a query may see one
    /// item of a transaction and not yet another.
    pub async fn digested(&self, period: &DigestPeriod) -> Result<Vec<DigestItem>, Fault> {
        let DigestPeriod { tenant, user, until, .. } = period;
        let from = keys::digest_items(*until);
        let query = || {
            let query = self.table.query(keys::of_digest(tenant, user)).between(from.as_str(), format!("{from}~"));
            query.descending().strong()
        };
        let (mut items, mut after) = (Vec::new(), None);
        while items.len() < MOST_READ {
            let room = u16::try_from(MOST_READ - items.len()).unwrap_or(u16::MAX);
            let page = query().after(after).page::<DigestItem>(room).await?;
            items.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        match items.len() < period.count.min(MOST_READ) {
            true => Err(Fault::transient("a digest is not seen whole yet")),
            false => Ok(items),
        }
    }

    /// Takes a notification out of its digest while that is open, with all its deliveries that wait there: one read and
    /// one transaction. False where it is too late.
    ///
    /// # Errors
    /// Our failure.
    pub(super) async fn take_out(&self, of: &Notification, deliveries: &[&Delivery]) -> Result<bool, Fault> {
        let (tenant, user, id) = (&of.tenant, &of.user, &of.id);
        let mark: Option<Collected> = self.table.get(&keys::digest_mark(tenant, user, id), Consistency::Strong).await?;
        let Some(mark) = mark else { return Ok(false) };
        let mut transaction = self.table.transact::<Clash>();
        for delivery in deliveries {
            let cancel = UpdateExpression::new().set("state", DeliveryState::Canceled.name());
            let cancel = cancel.when(eq("state", DeliveryState::Digested.name()));
            transaction = transaction.update(&delivery.key(), &cancel, |_: Option<IgnoredAny>| Clash)?;
        }
        let key = keys::digest_period(tenant, user, mark.until);
        let open = exists("pk").and(missing("closed_at"));
        let open = UpdateExpression::new().add("count", Value::from(-1_i64)).when(open);
        let transaction = transaction.update(&key, &open, |_: Option<IgnoredAny>| Clash)?;
        let item = keys::digest_item(tenant, user, mark.until, id);
        let transaction = transaction.delete(&item, &exists("pk"), |_: Option<IgnoredAny>| Clash)?;
        Ok(transaction.send::<()>().await?.is_ok())
    }
}

/// A delivery that no worker has begun is a digest's.
fn collected(delivery: &Delivery, digest: &str) -> UpdateExpression {
    let waits =
        eq("state", DeliveryState::Pending.name()).and(eq("due_at", delivery.due_at)).and(lt("attempts", 1_u64));
    let expression = UpdateExpression::new().set("state", DeliveryState::Digested.name()).set("reason", "in-digest");
    expression.set("digest", digest).when(waits)
}

fn due_id(item: &DigestItem) -> String {
    format!("{}#{}#digest#{}", item.tenant, item.user, item.until.millis())
}
