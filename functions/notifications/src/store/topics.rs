//! Topics: who has subscribed. A topic is there as long as it has subscribers.

use dynamo::{Item, Key, Page, Position, missing};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use types::time::millis;
use types::{Fault, Instant};

use super::{Store, keys};
use crate::domain::fan_out::{TOPIC_SHARDS, shard_of};

/// A user who has subscribed to a topic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscriber {
    tenant: String,
    topic: String,
    /// Who.
    pub user: String,
    /// Since when.
    #[serde(with = "millis")]
    pub subscribed_at: Instant,
}

impl Item for Subscriber {
    fn key(&self) -> Key {
        keys::subscriber(&self.tenant, &self.topic, shard_of(&self.user), &self.user)
    }
}

impl Store {
    /// Subscribes a user, who may have been before: one conditional write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn subscribe(&self, tenant: &str, topic: &str, user: &str, now: Instant) -> Result<(), Fault> {
        let (tenant, topic, user) = (tenant.to_owned(), topic.to_owned(), user.to_owned());
        let subscriber = Subscriber { tenant, topic, user, subscribed_at: now };
        self.table.put(&subscriber).when(missing("pk")).send_or(|_| ()).await.map(drop)
    }

    /// Ends a user's subscription, if there is one: one write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn unsubscribe(&self, tenant: &str, topic: &str, user: &str) -> Result<(), Fault> {
        let delete = self.table.delete(keys::subscriber(tenant, topic, shard_of(user), user));
        delete.send_or::<IgnoredAny, ()>(|_| ()).await.map(drop)
    }

    /// Subscribers of one partition of a topic, by name, after this one: one strongly consistent query, since a message
    /// follows a subscription at once.
    ///
    /// # Errors
    /// Our failure.
    pub async fn subscribers(
        &self,
        (tenant, topic): (&str, &str),
        shard: u16,
        limit: u16,
        after: Option<&str>,
    ) -> Result<Page<Subscriber>, Fault> {
        let partition = keys::of_subscribers(tenant, topic, shard);
        let after = after.map(|user| keys::subscriber(tenant, topic, shard, user));
        let after = after.map(|key| Position::from([("pk".to_owned(), key.pk), ("sk".to_owned(), key.sk)]));
        self.table.query(partition).strong().after(after).page(limit).await
    }

    /// A page of all subscribers of a topic, partition after partition: a query, and one for each partition that ends
    /// before the page is full.
    ///
    /// # Errors
    /// Our failure.
    pub async fn all_subscribers(
        &self,
        tenant: &str,
        topic: &str,
        limit: u16,
        mut after: Option<String>,
    ) -> Result<(Vec<Subscriber>, Option<String>), Fault> {
        let first = after.as_deref().map_or(0, shard_of);
        let mut found: Vec<Subscriber> = Vec::new();
        for shard in first..TOPIC_SHARDS {
            let room = limit.saturating_sub(u16::try_from(found.len()).unwrap_or(u16::MAX));
            let page = self.subscribers((tenant, topic), shard, room, after.as_deref()).await?;
            found.extend(page.items);
            if let Some(last) = found.last().filter(|_| page.next.is_some() || found.len() >= usize::from(limit)) {
                let next = last.user.clone();
                return Ok((found, Some(next)));
            }
            after = None;
        }
        Ok((found, None))
    }
}
