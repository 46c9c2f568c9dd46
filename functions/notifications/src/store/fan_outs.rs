//! Fan-outs: what is to be told to many, and how far its expansion is.

use dynamo::{Consistency, Item, Key, UpdateExpression, eq, exists, from_attributes, missing};
use serde::de::IgnoredAny;
use types::{Answer, Fault, Instant, Once};

use super::{Found, Store, keys};
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
            let due = self.due(fan_out.priority).item(&id, fan_out.due_at(), &fan_out.beginning(), now).await?;
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

    /// Where a fan-out is by now: one strongly consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn fan_out_state(&self, fan_out: &FanOut) -> Result<Option<FanOutState>, Fault> {
        let found: Option<FanOut> = self.table.get(&fan_out.key(), Consistency::Strong).await?;
        Ok(found.map(|found| found.state))
    }

    /// Ends a fan-out that cannot go on: one conditional write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn fail_fan_out(&self, fan_out: &FanOut, reason: &str) -> Result<(), Fault> {
        let fail = UpdateExpression::new().set("state", FanOutState::Failed.name()).set("reason", reason);
        let update = self.table.update(fan_out.key()).apply(fail.when(eq("state", FanOutState::Open.name())));
        update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await.map(drop)
    }

    /// Pauses a fan-out that is not expanded: a query and a conditional write. Pages that are being worked through end
    /// within some 25 users.
    ///
    /// # Errors
    /// Refuses what is to one, or has nothing left to pause.
    pub async fn pause(&self, tenant: &str, id: &str) -> Answer<(FanOut, Vec<Shard>), NotificationError> {
        let (fan_out, shards) = match self.find_many(tenant, id).await? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match fan_out.state {
            FanOutState::Paused => return Ok(Ok((fan_out, shards))),
            FanOutState::Open | FanOutState::Waiting if !fan_out.is_expanded(&shards) => {}
            _ => return Ok(Err(NotificationError::TooLate)),
        }
        let pause = UpdateExpression::new().set("state", FanOutState::Paused.name());
        // As it was seen: one that was taken back meanwhile, or has begun, is looked at again by who asks again.
        let update = self.table.update(fan_out.key()).apply(pause.when(eq("state", fan_out.state.name())));
        let paused = update.send_or::<FanOut, IgnoredAny, _>(|_| NotificationError::TooLate).await?;
        Ok(paused.map(|paused| (paused, shards)))
    }

    /// Goes on with what was paused: a query and a conditional write, by which its workers hear of it. Where its time
    /// is still to come, it is one transaction with what waits for that: what waited before may have come in vain.
    ///
    /// # Errors
    /// Refuses what is to one, or is not paused.
    pub async fn resume(
        &self,
        tenant: &str,
        id: &str,
        now: Instant,
    ) -> Answer<(FanOut, Vec<Shard>), NotificationError> {
        let (fan_out, shards) = match self.find_many(tenant, id).await? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match fan_out.state {
            FanOutState::Paused => {}
            FanOutState::Open | FanOutState::Waiting => return Ok(Ok((fan_out, shards))),
            FanOutState::Canceled | FanOutState::Failed => return Ok(Err(NotificationError::TooLate)),
        }
        let state = if now < fan_out.due_at() { FanOutState::Waiting } else { FanOutState::Open };
        let to = UpdateExpression::new().set("state", state.name()).when(eq("state", FanOutState::Paused.name()));
        let changed = |_: Option<IgnoredAny>| NotificationError::TooLate;
        let transaction = self.table.transact::<NotificationError>().update(&fan_out.key(), &to, changed)?;
        let transaction = match state {
            FanOutState::Waiting => {
                let due = format!("{tenant}#{id}#{}", now.millis());
                let due = self.due(fan_out.priority).item(&due, fan_out.due_at(), &fan_out.beginning(), now).await?;
                transaction.put(&due, missing("pk"), |_| NotificationError::TooLate)?
            }
            _ => transaction,
        };
        let done = transaction.send::<()>().await?;
        Ok(done.map(|_| (FanOut { state, ..fan_out }, shards)))
    }

    async fn find_many(&self, tenant: &str, id: &str) -> Answer<(FanOut, Vec<Shard>), NotificationError> {
        Ok(match self.look(tenant, id).await? {
            Ok(Found::Many(fan_out, shards)) => Ok((*fan_out, shards)),
            Ok(Found::One(..)) => Err(NotificationError::ToOne),
            Err(refusal) => Err(refusal),
        })
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
        if fan_out.canceled_at.is_some() || fan_out.is_expanded(shards) {
            return Ok(fan_out.canceled_at.is_some());
        }
        let standing = exists("pk").and(missing("canceled_at"));
        let cancel = UpdateExpression::new().set("state", FanOutState::Canceled.name()).set("canceled_at", now);
        let update = self.table.update(fan_out.key()).apply(cancel.when(standing));
        Ok(update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.is_ok())
    }
}
