//! The inbox, and how many of its items are new.

use dynamo::{Consistency, Item, Key, Page, Position, UpdateExpression, eq};
use serde::de::IgnoredAny;
use types::{Answer, Fault, Instant, Once, OnceRefusal};

use super::{Clash, Store, keys};
use crate::domain::{Counts, InboxItem, Mark, NotificationError};

/// How often an item is marked that others change at the same moment.
const TRIES: u8 = 4;

impl Item for InboxItem {
    fn key(&self) -> Key {
        keys::inbox(&self.tenant, &self.user, &self.id)
    }
}

impl Store {
    /// A page of a user's inbox, newest first: one query.
    ///
    /// # Errors
    /// Our failure.
    pub async fn inbox(
        &self,
        tenant: &str,
        user: &str,
        limit: u16,
        after: Option<Position>,
    ) -> Result<Page<InboxItem>, Fault> {
        let query = self.table.query(keys::of_inbox(tenant, user)).between("ITEM#", "ITEM#~");
        query.descending().after(after).page(limit).await
    }

    /// How many items are new: one eventually consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn counts(&self, tenant: &str, user: &str) -> Result<Counts, Fault> {
        let counts = self.table.get(&keys::counts(tenant, user), Consistency::Eventual).await?;
        Ok(counts.unwrap_or_default())
    }

    /// Marks an item, and counts what that changes, in one transaction after one read.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::NoItem`].
    pub async fn mark(
        &self,
        tenant: &str,
        user: &str,
        id: &str,
        mark: &Mark,
        now: Instant,
    ) -> Answer<InboxItem, NotificationError> {
        if !keys::is_id(id) {
            return Ok(Err(NotificationError::NoItem));
        }
        for _ in 0..TRIES {
            let found: Option<InboxItem> = self.table.get(&keys::inbox(tenant, user, id), Consistency::Strong).await?;
            let Some(item) = found else { return Ok(Err(NotificationError::NoItem)) };
            let next = item.marked(mark, now);
            if (InboxItem { version: item.version, ..next.clone() }) == item {
                return Ok(Ok(item)); // nothing changes
            }
            let change = next.counts() - item.counts();
            let unchanged = eq("version", item.version);
            let transaction = self.table.transact::<Clash>().put(&next, unchanged, |_| Clash)?;
            let transaction = match change == Counts::default() {
                true => transaction,
                false => transaction.update::<IgnoredAny>(&keys::counts(tenant, user), &counting(change), |_| Clash)?,
            };
            if transaction.send::<()>().await?.is_ok() {
                return Ok(Ok(next));
            }
        }
        Err(Fault::transient("others always changed the item at the same moment"))
    }
}

impl Store {
    /// Counts an item no more that is gone, once: one transaction, with a record by which a repetition knows itself.
    ///
    /// # Errors
    /// Our failure.
    pub async fn uncount(&self, item: &InboxItem, now: Instant) -> Result<(), Fault> {
        let change = Counts::default() - item.counts();
        if change == Counts::default() {
            return Ok(());
        }
        let scope = format!("{}#uncount", keys::of_inbox(&item.tenant, &item.user));
        let once = Once { scope, key: item.id.clone(), fingerprint: String::new() };
        let counts = keys::counts(&item.tenant, &item.user);
        let transaction = self.table.transact::<OnceRefusal>();
        let transaction = transaction.update::<IgnoredAny>(&counts, &counting(change), |_| OnceRefusal::InProgress)?;
        match transaction.once(once, &(), now)?.send::<()>().await? {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::transient("an item is counted no more beside")),
        }
    }
}

/// Adds to the counts.
pub(super) fn counting(change: Counts) -> UpdateExpression {
    UpdateExpression::new().add("unseen", change.unseen).add("unread", change.unread)
}
