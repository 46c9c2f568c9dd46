//! The table: keys, items, one method per access pattern (the README's table lists them).

mod addresses;
mod breakers;
mod deliveries;
mod digests;
mod endings;
mod fan_outs;
mod feedback;
mod inbox;
pub(crate) mod keys;
mod limits;
mod live;
mod statuses;
mod templates;
mod topics;
mod users;

use std::time::Duration;

use dynamo::{Consistency, Item, Key, Table, UpdateExpression, Value, eq, missing};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use types::{Answer, Fault, Instant, Once, OnceRefusal, Priority};
use work::DueBuckets;

use crate::domain::{
    Delivery, DeliveryState, Errand, FanOut, KEPT, MOST_AHEAD, Notification, NotificationError, Shard,
};
use crate::settings::Statuses;
pub use addresses::{Owner, Suppressed};
pub use deliveries::{Known, Work};
pub use digests::Collecting;
pub use endings::Ending;
pub use feedback::{TemplateStats, Told};
pub use statuses::Message;
pub(crate) use templates::Listed;
pub use templates::StoredTemplate;
pub use topics::Subscriber;
pub use users::User;

/// Most items of a notification or a fan-out: deliveries of 20 addresses and six channels, or its shards.
const MOST_PARTS: usize = 100;
/// Looks at a notification that workers change while it is taken back.
const TRIES: u8 = 3;

impl Item for Notification {
    fn key(&self) -> Key {
        keys::notification(&self.tenant, &self.id)
    }
}

impl Item for Delivery {
    fn key(&self) -> Key {
        keys::delivery(&self.tenant, &self.notification, self.channel, &self.address)
    }
}

/// The newest notification of a collapse key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Newest {
    tenant: String,
    user: String,
    collapse_key: String,
    notification: String,
    purge_at: i64,
}

impl Item for Newest {
    fn key(&self) -> Key {
        keys::collapse(&self.tenant, &self.user, &self.collapse_key)
    }
}

/// What an id leads to.
#[derive(Debug, Clone)]
pub enum Found {
    /// A notification to one user, and its deliveries.
    One(Box<Notification>, Vec<Delivery>),
    /// A fan-out, and the shards that were begun.
    Many(Box<FanOut>, Vec<Shard>),
}

/// What was to be changed is not as it was.
#[derive(Debug)]
pub(crate) struct Clash;

impl From<OnceRefusal> for Clash {
    fn from(_: OnceRefusal) -> Self {
        Self
    }
}

/// The system's table.
#[derive(Debug, Clone)]
pub struct Store {
    table: Table,
    due: DueBuckets,
    urgent: DueBuckets,
    statuses: Statuses,
    breakers: breakers::Memory,
}

impl Store {
    /// The store in this table; each minute of what is due later is in `shards` partitions. Whose `statuses` are told
    /// is found by its provider's id.
    pub(crate) fn new(table: Table, shards: u8, statuses: Statuses) -> Self {
        let due = DueBuckets::new(table.clone(), shards);
        let urgent = due.clone().named("URGENT");
        Self { due, urgent, statuses, breakers: breakers::Memory::default(), table }
    }

    /// What waits for its time, the urgent first.
    pub fn all_due(&self) -> [&DueBuckets; 2] {
        [&self.urgent, &self.due]
    }

    /// Where what is of this priority waits for its time.
    fn due(&self, priority: Priority) -> &DueBuckets {
        match priority {
            Priority::Critical | Priority::High => &self.urgent,
            Priority::Normal | Priority::Low => &self.due,
        }
    }

    /// Writes a notification and all its deliveries, with what waits for a later time, in one transaction: it is
    /// accepted whole or not at all. What is due now leaves by the table's stream. A repetition answers with the first
    /// one's id.
    ///
    /// # Errors
    /// Refuses a key that was used for something else, or is being used.
    pub async fn accept(
        &self,
        notification: &Notification,
        deliveries: &[Delivery],
        once: Option<&Once>,
        now: Instant,
    ) -> Answer<String, NotificationError> {
        let taken = |_| NotificationError::TooLate; // ids are random: never
        let mut transaction = self.table.transact::<NotificationError>();
        transaction = transaction.put(notification, missing("pk"), taken)?;
        for delivery in deliveries {
            transaction = transaction.put(delivery, missing("pk"), |_| NotificationError::TooLate)?;
            if delivery.state == DeliveryState::Pending && delivery.is_for_later() {
                let errand = delivery.errand();
                let due =
                    self.due(delivery.priority).item(&due_id(&errand, "first"), delivery.due_at, &errand, now).await?;
                transaction = transaction.put(&due, missing("pk"), |_| NotificationError::TooLate)?;
            }
        }
        if let Some(once) = once {
            transaction = transaction.once(once.clone(), &notification.id, now)?;
        }
        let done = match transaction.send::<String>().await? {
            Ok(dynamo::Done::Before(id)) => return Ok(Ok(id)),
            done => done,
        };
        // It is accepted, whatever becomes of the mark: told that it was not, the caller would send another.
        if done.is_ok()
            && notification.send_at.is_none()
            && let Err(fault) = self.note_newest(notification, now).await
        {
            tracing::warn!(fault = fault.chain(), "a notification replaces none that waits");
        }
        Ok(done.map(|_| notification.id.clone()))
    }

    /// Notes a notification as the newest of its key, unless a newer one is: one conditional write. It comes after the
    /// notification, since a mark without one would skip what it replaced; one that is missing skips nothing.
    pub(crate) async fn note_newest(&self, notification: &Notification, now: Instant) -> Result<(), Fault> {
        let Some(collapse_key) = notification.collapse_key.clone() else { return Ok(()) };
        let Notification { tenant, user, id, .. } = notification.clone();
        // As long as what it replaces may wait.
        let purge_at = (notification.due_at().max(now) + MOST_AHEAD + KEPT).seconds();
        let newest = Newest { tenant, user, collapse_key, notification: id.clone(), purge_at };
        let older = missing("pk").or(dynamo::lt("notification", id));
        self.table.put(&newest).when(older).send_or(|_| ()).await.map(drop)
    }

    /// What a request was answered before, if it was.
    ///
    /// # Errors
    /// As [`dynamo::Table::replay`].
    pub async fn accepted(&self, once: &Once, now: Instant) -> Answer<Option<String>, NotificationError> {
        self.table.replay(once, now).await
    }

    /// A notification or a fan-out, with what became of it: one strongly consistent query.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::NotFound`].
    pub async fn look(&self, tenant: &str, id: &str) -> Answer<Found, NotificationError> {
        if !keys::is_id(id) {
            return Ok(Err(NotificationError::NotFound));
        }
        let (mut one, mut deliveries, mut many, mut shards) = (None, Vec::new(), None, Vec::new());
        for item in self.table.query(keys::of_notification(tenant, id)).strong().all(MOST_PARTS).await? {
            match item.get("sk").and_then(|sk| sk.as_s().ok()).map(String::as_str).unwrap_or_default() {
                sk if sk.starts_with(keys::DELIVERY) => deliveries.push(dynamo::from_attributes(item)?),
                sk if keys::is_fan_out(sk) => many = Some(dynamo::from_attributes(item)?),
                sk if sk.starts_with(keys::FAN_OUT) => shards.push(dynamo::from_attributes(item)?),
                _ => one = Some(dynamo::from_attributes(item)?),
            }
        }
        Ok(match (one, many) {
            (Some(one), _) => Ok(Found::One(Box::new(one), deliveries)),
            (None, Some(many)) => Ok(Found::Many(Box::new(many), shards)),
            (None, None) => Err(NotificationError::NotFound),
        })
    }

    /// A notification to one user, and its deliveries: one strongly consistent query.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::NotFound`].
    pub async fn find(&self, tenant: &str, id: &str) -> Answer<(Notification, Vec<Delivery>), NotificationError> {
        Ok(self.look(tenant, id).await?.and_then(|found| match found {
            Found::One(notification, deliveries) => Ok((*notification, deliveries)),
            Found::Many(..) => Err(NotificationError::NotFound),
        }))
    }

    /// Takes a notification back: what waits of it is not sent, what is not expanded of a fan-out is not. False where
    /// nothing of it waits any more.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::NotFound`].
    pub async fn cancel(&self, tenant: &str, id: &str, now: Instant) -> Answer<bool, NotificationError> {
        Ok(match self.look(tenant, id).await? {
            Ok(Found::One(notification, deliveries)) => return self.stop(&notification, deliveries, now).await,
            Ok(Found::Many(fan_out, shards)) => Ok(self.cancel_fan_out(&fan_out, &shards, now).await?),
            Err(refusal) => Err(refusal),
        })
    }

    /// One conditional write for the notification, and one for each delivery that waits. What a worker is sending at
    /// this moment is sent, but not tried again. Answers whether anything was left to stop, now or when it was asked
    /// before.
    async fn stop(
        &self,
        notification: &Notification,
        mut deliveries: Vec<Delivery>,
        now: Instant,
    ) -> Answer<bool, NotificationError> {
        let (mut marked, mut stopped) = (notification.canceled_at.is_some(), false);
        for _ in 0..TRIES {
            let of = |state: DeliveryState| deliveries.iter().filter(move |delivery| delivery.state == state);
            let digested: Vec<&Delivery> = of(DeliveryState::Digested).collect();
            stopped |= of(DeliveryState::Canceled).next().is_some();
            stopped |= !digested.is_empty() && self.take_out(notification, &digested).await?;
            let waits = of(DeliveryState::Pending).chain(of(DeliveryState::Leased)).next().is_some();
            if !marked && (waits || stopped) {
                // The mark comes before the deliveries: a worker that looks from now on skips what is left, should this
                // end half-way.
                let mark = UpdateExpression::new().set("canceled_at", now).when(dynamo::exists("pk"));
                let update = self.table.update(notification.key()).apply(mark);
                update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.ok();
                marked = true;
            }
            let stops = of(DeliveryState::Pending).map(|delivery| {
                let stop = UpdateExpression::new().set("state", DeliveryState::Canceled.name());
                let stop = stop.when(eq("state", DeliveryState::Pending.name()));
                let update = self.table.update(delivery.key()).apply(stop);
                async move { update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await }
            });
            let mut moved = false;
            for stop in futures_util::future::join_all(stops).await {
                moved |= stop?.is_err();
            }
            if !moved {
                break;
            }
            // A worker was quicker: a digest may have it by now.
            deliveries = match self.find(&notification.tenant, &notification.id).await? {
                Ok((_, deliveries)) => deliveries,
                Err(refusal) => return Ok(Err(refusal)),
            };
        }
        Ok(Ok(marked || stopped))
    }

    /// Whether the table answers: one read of an item that is never there.
    ///
    /// # Errors
    /// When it does not.
    pub async fn probe(&self) -> Result<(), Fault> {
        self.table.get::<IgnoredAny>(&keys::probe(), Consistency::Eventual).await.map(drop)
    }
}

/// The id of what waits: the same for the same wait, another for the next.
fn due_id(errand: &Errand, what: &str) -> String {
    format!("{}#{}#{}#{}#{what}", errand.tenant, errand.notification, errand.channel, errand.address)
}

/// When a state that ends by itself is forgotten.
fn purge(now: Instant, after: Duration) -> Value {
    (now + after).seconds().into()
}
