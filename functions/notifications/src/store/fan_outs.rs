//! Fan-outs: what is to be told to many, and how far its expansion is.

use dynamo::{Consistency, Item, Key, UpdateExpression, eq, exists, from_attributes, missing};
use serde::de::IgnoredAny;
use types::{Answer, Fault, Instant, Once};

use super::{Store, keys};
use crate::domain::fan_out::Step;
use crate::domain::{Delivery, FanOut, FanOutState, Notification, NotificationError, Shard};

impl Item for FanOut {
    fn key(&self) -> Key {
        keys::fan_out(&self.tenant, &self.id)
    }
}

impl Item for Shard {
    fn key(&self) -> Key {
        keys::shard(&self.tenant, &self.notification, self.shard)
    }
}

impl Store {
    /// Writes a fan-out: one item, in one transaction with the record of its request and, where its time is to come,
    /// with what waits for that. Its expansion begins by the table's stream. A repetition answers with the first one's
    /// id.
    ///
    /// # Errors
    /// Refuses a key that was used for something else, or is being used.
    pub async fn accept_fan_out(
        &self,
        fan_out: &FanOut,
        once: Option<&Once>,
        now: Instant,
    ) -> Answer<String, NotificationError> {
        let taken = |_| NotificationError::TooLate; // ids are random: never
        let mut transaction = self.table.transact::<NotificationError>();
        transaction = transaction.put(fan_out, missing("pk"), taken)?;
        if fan_out.state == FanOutState::Waiting {
            let id = format!("{}#{}", fan_out.tenant, fan_out.id);
            let due = self.due.item(&id, fan_out.due_at(), &fan_out.beginning(), now).await?;
            transaction = transaction.put(&due, missing("pk"), |_| NotificationError::TooLate)?;
        }
        if let Some(once) = once {
            transaction = transaction.once(once.clone(), &fan_out.id, now)?;
        }
        Ok(match transaction.send::<String>().await? {
            Ok(dynamo::Done::Before(id)) => Ok(id),
            done => done.map(|_| fan_out.id.clone()),
        })
    }

    /// Opens a fan-out whose time has come: one conditional write, by which its workers hear of it.
    ///
    /// # Errors
    /// Our failure.
    pub async fn open_fan_out(&self, tenant: &str, id: &str) -> Result<(), Fault> {
        let waits = eq("state", FanOutState::Waiting.name());
        let open = UpdateExpression::new().set("state", FanOutState::Open.name()).when(waits);
        let update = self.table.update(keys::fan_out(tenant, id)).apply(open);
        update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await.map(drop)
    }

    /// A fan-out and one of its shards, begun or not: one strongly consistent read of two items. None where it is
    /// forgotten.
    ///
    /// # Errors
    /// Our failure.
    pub async fn fan_out_shard(&self, step: &Step, shard: u16) -> Result<Option<(FanOut, Shard)>, Fault> {
        let Step { tenant, fan_out, .. } = step;
        let asked = [keys::fan_out(tenant, fan_out), keys::shard(tenant, fan_out, shard)];
        let (mut head, mut begun) = (None, None);
        for item in self.table.get_many(&asked, Consistency::Strong).await? {
            match item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| keys::is_fan_out(sk)) {
                true => head = Some(from_attributes::<FanOut>(item)?),
                false => begun = Some(from_attributes::<Shard>(item)?),
            }
        }
        Ok(head.map(|head| {
            let shard = begun.unwrap_or_else(|| head.shard(shard));
            (head, shard)
        }))
    }

    /// Whether a fan-out is still to be expanded: one strongly consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn is_open(&self, fan_out: &FanOut) -> Result<bool, Fault> {
        let found: Option<FanOut> = self.table.get(&fan_out.key(), Consistency::Strong).await?;
        Ok(found.is_some_and(|found| found.state == FanOutState::Open))
    }

    /// Notes that the page after `before` is done, unless another worker did: one conditional write, by which the next
    /// page is sent on. False where another did.
    ///
    /// # Errors
    /// Our failure.
    pub async fn move_shard(&self, before: &Shard, next: &Shard) -> Result<bool, Fault> {
        let unmoved = if before.page == 0 { missing("pk") } else { eq("page", u64::from(before.page)) };
        Ok(self.table.put(next).when(unmoved).send_or(|_| ()).await?.is_ok())
    }

    /// Writes the notification of one of a fan-out's users as [`Store::accept`] does, unless it is there.
    ///
    /// # Errors
    /// Our failure.
    pub async fn accept_child(
        &self,
        notification: &Notification,
        deliveries: &[Delivery],
        now: Instant,
    ) -> Result<(), Fault> {
        match self.accept(notification, deliveries, None, now).await? {
            Ok(_) => Ok(()),
            // It was made before, perhaps by a worker that died before this.
            Err(_) => self.note_newest(notification, now).await,
        }
    }

    /// Takes a fan-out back: what is not expanded is not. One conditional write. False where nothing was left.
    ///
    /// # Errors
    /// Our failure.
    pub(super) async fn cancel_fan_out(&self, fan_out: &FanOut, shards: &[Shard], now: Instant) -> Result<bool, Fault> {
        if fan_out.is_expanded(shards) {
            return Ok(false);
        }
        let standing = exists("pk").and(missing("canceled_at"));
        let cancel = UpdateExpression::new().set("state", FanOutState::Canceled.name()).set("canceled_at", now);
        let update = self.table.update(fan_out.key()).apply(cancel.when(standing));
        Ok(update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.is_ok())
    }
}
