//! The table: keys, items, one method per access pattern (the README's table lists them).

use dynamo::{Consistency, Done, Item, Key, Page, Position, Table, UpdateExpression, Value, exists, le, missing};
use types::{Answer, Fault, Instant, Once};

use crate::domain::{ApiKey, KeyError, USE_NOTED_EVERY};

fn key_of(id: &str) -> Key {
    Key::new(format!("KEY#{id}"), "KEY")
}

fn owner_partition(owner: &str) -> String {
    format!("OWNER#{owner}")
}

impl Item for ApiKey {
    fn key(&self) -> Key {
        key_of(&self.id)
    }

    fn index(&self) -> Vec<(&'static str, Value)> {
        let mut index = vec![
            ("owner_pk", owner_partition(&self.owner).into()),
            ("owner_sk", format!("{}#{}", self.created_at.sortable(), self.id).into()),
        ];
        if let Some(at) = self.forgotten_at() {
            index.push(("purge_at", at.seconds().into()));
        }
        index
    }
}

/// The table of API keys.
#[derive(Debug, Clone)]
pub struct Store {
    table: Table,
}

impl Store {
    /// The store on `table`.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Stores a new key, once: one conditional write, or one transaction with the idempotency record. Ids are random
    /// and long, so one that is taken is a fault and not a refusal.
    ///
    /// # Errors
    /// Refuses with [`KeyError::Once`] an idempotency key used otherwise.
    pub async fn insert(&self, key: ApiKey, once: Option<Once>, now: Instant) -> Answer<Done<ApiKey>, KeyError> {
        let Some(once) = once else {
            // A write whose reply was lost is sent again and meets itself: that is success.
            let met = |standing: Option<ApiKey>| standing.as_ref() == Some(&key);
            return match self.table.put(&key).when(missing("pk")).send_or(met).await? {
                Ok(()) | Err(true) => Ok(Ok(Done::Now)),
                Err(false) => Err(Fault::permanent("a random key id was taken")),
            };
        };
        let transaction = self.table.transact::<KeyError>().put(&key, missing("pk"), |_| KeyError::NotActive)?;
        transaction.once(once, &key, now)?.send().await
    }

    /// The key that the same request issued before, if it did: one read, for a repetition that would be refused by now.
    ///
    /// # Errors
    /// Refuses with [`KeyError::Once`] an idempotency key used otherwise.
    pub async fn issued(&self, once: &Once, now: Instant) -> Answer<Option<ApiKey>, KeyError> {
        self.table.replay(once, now).await
    }

    /// Reads a key: one strongly consistent read, so that a new key works at once and a revoked one does not.
    ///
    /// # Errors
    /// Our failure.
    pub async fn find(&self, id: &str) -> Result<Option<ApiKey>, Fault> {
        self.table.get(&key_of(id), Consistency::Strong).await
    }

    /// A page of an owner's keys, newest first: one query of the index `by_owner`.
    ///
    /// # Errors
    /// Our failure.
    pub async fn list(&self, owner: &str, limit: u16, after: Option<Position>) -> Result<Page<ApiKey>, Fault> {
        let query = self.table.query(owner_partition(owner)).index("by_owner", "owner_pk", "owner_sk");
        query.descending().after(after).page(limit).await
    }

    /// Revokes a key: one conditional write. Revoking twice is revoking once.
    ///
    /// # Errors
    /// Our failure.
    pub async fn revoke(&self, mut key: ApiKey, now: Instant) -> Result<(), Fault> {
        key.revoked_at = Some(now);
        let purge_at = key.forgotten_at().unwrap_or(now).seconds();
        let expression = UpdateExpression::new()
            .set("revoked_at", now)
            .set("purge_at", purge_at)
            .when(exists("pk").and(missing("revoked_at")));
        let update = self.table.update(key_of(&key.id)).apply(expression);
        update.send_or::<ApiKey, ApiKey, ()>(|_| ()).await.map(drop)
    }

    /// Stores a key's successor and the old one's end, together.
    ///
    /// # Errors
    /// Refuses with [`KeyError::NotActive`] when the old key was revoked or replaced meanwhile.
    pub async fn replace(&self, old: &ApiKey, ends: Instant, next: &ApiKey) -> Answer<(), KeyError> {
        let mut ending = old.clone();
        ending.expires_at = Some(ends);
        let expression = UpdateExpression::new()
            .set("expires_at", ends)
            .set("replaced_by", next.id.as_str())
            .set("purge_at", ending.forgotten_at().unwrap_or(ends).seconds())
            .when(exists("pk").and(missing("revoked_at")).and(missing("replaced_by")));
        let transaction = self.table.transact::<KeyError>();
        let transaction = transaction.update(&old.key(), &expression, |_: Option<ApiKey>| KeyError::NotActive)?;
        let transaction = transaction.put(next, missing("pk"), |_| KeyError::NotActive)?;
        Ok(transaction.send::<()>().await?.map(drop))
    }

    /// Writes down that a key was used, at most once a minute whoever saw it: one conditional write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn note_use(&self, id: &str, now: Instant) -> Result<(), Fault> {
        let news = missing("last_used_at").or(le("last_used_at", now - USE_NOTED_EVERY));
        let expression = UpdateExpression::new().set("last_used_at", now).when(exists("pk").and(news));
        let update = self.table.update(key_of(id)).apply(expression);
        update.send_or::<ApiKey, ApiKey, ()>(|_| ()).await.map(drop)
    }
}
