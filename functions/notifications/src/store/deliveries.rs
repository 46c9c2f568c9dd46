//! What a worker reads and writes of a delivery.

use std::time::Duration;

use dynamo::{
    Attributes, Condition, Consistency, Item as _, Key, Lease, UpdateExpression, eq, from_attributes, le, missing,
};
use serde::de::IgnoredAny;
use types::{Fault, Instant, OnceRefusal, random};

use super::users::StoredPreferences;
use super::{Clash, Newest, Store, due_id, inbox, keys};
use crate::domain::{
    Address, Channel, Counts, Delivery, DeliveryState, Errand, InboxItem, Notification, Others, Preferences, When,
};

/// How long a worker has a delivery to itself: longer than all its calls may take together.
pub const LEASE: Duration = Duration::from_secs(30);
/// What is left of an invocation when a worker gives up to try again.
const RESERVE: Duration = Duration::from_secs(5);

/// What a worker knows before it decides.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Known {
    pub notification: Notification,
    pub delivery: Delivery,
    pub preferences: Preferences,
    pub address: Option<Address>,
    pub newest: Option<String>,
    pub others: Others,
}

/// A delivery that is ours to send.
#[derive(Debug, Clone)]
pub struct Work {
    /// As it is now, this attempt counted.
    pub delivery: Delivery,
    pub(super) lease: Lease,
}

impl Store {
    /// What is known of a delivery: one strongly consistent read of three to five items, one query more for a fallback.
    /// None where it is forgotten.
    ///
    /// # Errors
    /// Our failure.
    pub async fn known(&self, errand: &Errand) -> Result<Option<Known>, Fault> {
        let Errand { tenant, user, notification, channel, address, collapse_key, .. } = errand;
        let asked = [
            Some(keys::notification(tenant, notification)),
            Some(keys::delivery(tenant, notification, *channel, address)),
            Some(keys::preferences(tenant, user)),
            (*channel != Channel::InApp).then(|| keys::address(tenant, user, address)),
            collapse_key.as_ref().map(|key| keys::collapse(tenant, user, key)),
        ];
        let asked: Vec<Key> = asked.into_iter().flatten().collect();
        let mut items = self.table.get_many(&asked, Consistency::Strong).await?;
        // By the beginning of its sort key: they come in any order.
        let mut item = |prefix: &str| {
            let is_it = |item: &Attributes| {
                item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with(prefix))
            };
            items.iter().position(is_it).map(|at| items.swap_remove(at))
        };
        let (Some(found), Some(delivery)) = (item("NOTIFICATION"), item(keys::DELIVERY)) else { return Ok(None) };
        let preferences: Option<StoredPreferences> = item("PREFERENCES").map(from_attributes).transpose()?;
        let newest: Option<Newest> = item("KEY#").map(from_attributes).transpose()?;
        let delivery: Delivery = from_attributes(delivery)?;
        Ok(Some(Known {
            notification: from_attributes(found)?,
            preferences: preferences.map(|stored| stored.preferences).unwrap_or_default(),
            address: item(keys::ADDRESS).map(from_attributes).transpose()?,
            newest: newest.map(|newest| newest.notification),
            others: self.others(&delivery).await?,
            delivery,
        }))
    }

    async fn others(&self, delivery: &Delivery) -> Result<Others, Fault> {
        let Some(when) = delivery.when else { return Ok(Others::default()) };
        let Ok((notification, all)) = self.find(&delivery.tenant, &delivery.notification).await? else {
            return Ok(Others::default());
        };
        let others = || all.iter().filter(|other| other.channel != delivery.channel);
        let taken = [DeliveryState::Sent, DeliveryState::Delivered, DeliveryState::Digested];
        // What a digest has arrives as its user asked for. What lies in the inbox has not reached anybody yet.
        let sent = others().any(|other| other.channel != Channel::InApp && taken.contains(&other.state));
        let mut read = others().any(|other| other.opened_at.is_some() || other.clicked_at.is_some());
        if when == When::Unread && !read {
            let key = keys::inbox(&notification.tenant, &notification.user, &notification.id);
            let item: Option<InboxItem> = self.table.get(&key, Consistency::Strong).await?;
            read = item.is_some_and(|item| item.read_at.is_some());
        }
        Ok(Others { sent, read })
    }

    /// Takes a delivery: one conditional write. None where it is done, or was put off meanwhile.
    ///
    /// # Errors
    /// Our failure; a transient one where another worker has it. Should that one die, the message has to come again: so
    /// it is not done with, whoever is at it.
    pub async fn take(&self, delivery: &Delivery, now: Instant) -> Result<Option<Work>, Fault> {
        let open = eq("state", DeliveryState::Pending.name()).or(eq("state", DeliveryState::Leased.name()));
        let open = open.and(eq("due_at", delivery.due_at));
        let changes = UpdateExpression::new().set("state", DeliveryState::Leased.name()).add("attempts", 1_u64);
        let acquire = self.table.acquire(delivery.key(), now, LEASE).when(open).with(changes);
        match acquire.send_or::<Delivery, Delivery, Option<Delivery>>(|standing| standing).await? {
            Ok((lease, delivery)) => Ok(Some(Work { delivery, lease })),
            Err(Some(standing)) if standing.state == DeliveryState::Leased => {
                aws::count("deliveries_held_by_others", 1.0);
                Err(Fault::transient("another worker has the delivery"))
            }
            Err(_) => Ok(None),
        }
    }

    /// Puts a notification into its user's inbox, counts it, and notes that it arrived, all or nothing: in the inbox
    /// nothing is twice, and no lease is needed. One transaction; of two workers one does.
    ///
    /// # Errors
    /// Our failure.
    pub async fn arrive(&self, delivery: &Delivery, item: &InboxItem, now: Instant) -> Result<(), Fault> {
        let arrived = UpdateExpression::new()
            .set("state", DeliveryState::Delivered.name())
            .set("provider", "inbox")
            .set("sent_at", now)
            .set("delivered_at", now)
            .add("attempts", 1_u64)
            .add("answered", 1_u64)
            .when(open(delivery, now));
        let one = Counts { unseen: 1, unread: 1 };
        loop {
            let transaction = self.table.transact::<Clash>();
            let transaction = transaction.update(&delivery.key(), &arrived, |_: Option<IgnoredAny>| Clash)?;
            let transaction = transaction.put(item, missing("pk"), |_| Clash)?;
            let counts = keys::counts(&item.tenant, &item.user);
            let transaction = transaction.update::<IgnoredAny>(&counts, &inbox::counting(one), |_| Clash)?;
            match transaction.send::<()>().await {
                // Where many tell one user at once, each holds the counts for milliseconds; a message would come again
                // in minutes.
                Err(fault) if fault.is_transient() && aws::remaining() > RESERVE => {
                    let jitter = u64::from(random::bytes::<1>()[0]);
                    tokio::time::sleep(Duration::from_millis(100 + jitter)).await;
                }
                done => return done.map(drop),
            }
        }
    }

    /// Notes that a delivery is not to be sent, or is given up: one conditional write.
    ///
    /// # Errors
    /// Our failure; a transient one where another worker has it.
    pub async fn close(&self, delivery: &Delivery, state: DeliveryState, why: &str, now: Instant) -> Result<(), Fault> {
        let expression = UpdateExpression::new().set("state", state.name()).set("reason", why);
        let expression = expression.when(open(delivery, now));
        let update = self.table.update(delivery.key()).apply(expression);
        let closed = update.send_or::<IgnoredAny, Delivery, _>(Refused::by).await?;
        closed.map(drop).or_else(Refused::again)
    }

    /// Keeps a delivery for later: one transaction, with what waits for that. Of two workers one does. `waits_since` is
    /// told where it waits for its provider.
    ///
    /// # Errors
    /// Our failure; a transient one where another worker has it.
    pub async fn defer(
        &self,
        delivery: &Delivery,
        at: Instant,
        why: &str,
        waits_since: Option<Instant>,
        now: Instant,
    ) -> Result<(), Fault> {
        let errand = Errand { due_at: at, ..delivery.errand() };
        let due = self
            .due(delivery.priority)
            .item(&due_id(&errand, &format!("{why}{}", at.millis())), at, &errand, now)
            .await?;
        let expression = UpdateExpression::new()
            .set("state", DeliveryState::Pending.name())
            .set("due_at", at)
            .set("reason", why)
            .when(open(delivery, now));
        let expression = match waits_since {
            Some(since) => expression.set("waits_since", since),
            None => expression,
        };
        let transaction = self.table.transact::<Refused>();
        let transaction = transaction.update(&delivery.key(), &expression, Refused::by)?;
        // What is due then is there already, while it is being handed over: it would be deleted right away.
        let done = transaction.put(&due, missing("pk"), |_| Refused::Held)?.send::<()>().await?;
        done.map(drop).or_else(Refused::again)
    }

    /// Notes when a delivery comes again, whose message is on its way by then: one conditional write. `turn` is when it
    /// has its turn.
    ///
    /// # Errors
    /// Our failure; a transient one where another worker has it.
    pub async fn stand_in_line(
        &self,
        delivery: &Delivery,
        at: Instant,
        turn: Option<Instant>,
        now: Instant,
    ) -> Result<(), Fault> {
        let expression = UpdateExpression::new()
            .set("state", DeliveryState::Pending.name())
            .set("due_at", at)
            .set("reason", "provider-rate")
            .set("waits_since", delivery.waits_since.unwrap_or(now))
            .when(open(delivery, now));
        let expression = match turn {
            Some(turn) => expression.set("turn", turn),
            None => expression.remove("turn"),
        };
        let update = self.table.update(delivery.key()).apply(expression);
        let noted = update.send_or::<IgnoredAny, Delivery, _>(Refused::by).await?;
        noted.map(drop).or_else(Refused::again)
    }

    /// A delivery: one strongly consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn delivery(&self, key: &Key) -> Result<Option<Delivery>, Fault> {
        self.table.get(key, Consistency::Strong).await
    }
}

/// Why a delivery could not be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Another worker has it.
    Held,
    /// It is not as it was: done, or put off.
    Done,
}

impl Refused {
    pub(super) fn by(standing: Option<Delivery>) -> Self {
        match standing.is_some_and(|standing| standing.state == DeliveryState::Leased) {
            true => Self::Held,
            false => Self::Done,
        }
    }

    /// Should the worker that has it die, the message has to come again: so it is not done with, whoever is at it.
    fn again(self) -> Result<(), Fault> {
        match self {
            Self::Held => Err(Fault::transient("another worker has the delivery")),
            Self::Done => Ok(()),
        }
    }
}

impl From<OnceRefusal> for Refused {
    fn from(_: OnceRefusal) -> Self {
        Self::Done
    }
}

/// A delivery is as it was seen, and nobody is at it.
fn open(delivery: &Delivery, now: Instant) -> Condition {
    let free = missing("lease_until").or(le("lease_until", now));
    let lapsed = eq("state", DeliveryState::Leased.name()).and(free);
    eq("state", DeliveryState::Pending.name()).or(lapsed).and(eq("due_at", delivery.due_at))
}
