//! Addresses, and the mail addresses that take no mail.

use dynamo::{Consistency, Item, Key, UpdateExpression, Value, eq, exists, missing};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use types::time::millis;
use types::{Answer, Fault, Instant};

use super::{Store, keys};
use crate::domain::{Address, AddressState, NotificationError, Target};

impl Item for Address {
    fn key(&self) -> Key {
        keys::address(&self.tenant, &self.user, &self.id)
    }
}

/// Whose an endpoint of SNS is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Owner {
    pub endpoint: String,
    pub tenant: String,
    pub user: String,
    pub address: String,
}

impl Item for Owner {
    fn key(&self) -> Key {
        keys::endpoint(&self.endpoint)
    }
}

/// A mail address that takes no mail, whoever has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// Whose list.
    pub tenant: String,
    /// Its keyed digest.
    pub digest: String,
    /// [`AddressState::Bounced`] or [`AddressState::Complained`].
    pub state: AddressState,
    /// Since when.
    #[serde(with = "millis")]
    pub since: Instant,
}

impl Item for Suppressed {
    fn key(&self) -> Key {
        keys::suppression(&self.tenant, &self.digest)
    }
}

impl Store {
    /// Registers an address, or makes anew the one that was `seen`: one conditional write, for a device one before it
    /// that says whose its endpoint is.
    ///
    /// # Errors
    /// Our failure; a transient one where it was changed meanwhile.
    pub async fn put_address(&self, address: &Address, seen: Option<Instant>) -> Result<(), Fault> {
        self.note_owner(address).await?;
        let unchanged = seen.map_or_else(|| missing("pk"), |seen| eq("updated_at", seen));
        let put = self.table.put(address).when(unchanged).send_or(|_| ()).await?;
        put.map_err(|()| Fault::transient("the address was changed at the same moment"))
    }

    /// Notes whose an endpoint of SNS is: one write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn note_owner(&self, address: &Address) -> Result<(), Fault> {
        let Target::Push { endpoint, .. } = &address.target else { return Ok(()) };
        let Address { tenant, user, id, .. } = address.clone();
        let owner = Owner { endpoint: endpoint.clone(), tenant, user, address: id };
        self.table.put(&owner).send_or::<()>(|_| ()).await.map(drop)
    }

    /// Notes that an endpoint is not this address's any more: one conditional write. False where it was not.
    ///
    /// # Errors
    /// Our failure.
    pub async fn disown(&self, endpoint: &str, address: &Address) -> Result<bool, Fault> {
        let own = eq("tenant", address.tenant.as_str()).and(eq("user", address.user.as_str()));
        let own = own.and(eq("address", address.id.as_str()));
        let delete = self.table.delete(keys::endpoint(endpoint)).when(own);
        Ok(delete.send_or::<IgnoredAny, ()>(|_| ()).await?.is_ok())
    }

    /// Whose an endpoint of SNS is: one eventually consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn owner_of(&self, endpoint: &str) -> Result<Option<Owner>, Fault> {
        self.table.get(&keys::endpoint(endpoint), Consistency::Eventual).await
    }

    /// One address: one strongly consistent read.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::NoAddress`].
    pub async fn address(&self, tenant: &str, user: &str, id: &str) -> Answer<Address, NotificationError> {
        if !keys::is_id(id) {
            return Ok(Err(NotificationError::NoAddress));
        }
        let found = self.table.get(&keys::address(tenant, user, id), Consistency::Strong).await?;
        Ok(found.ok_or(NotificationError::NoAddress))
    }

    /// Forgets an address and answers what it was: one write.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::NoAddress`].
    pub async fn delete_address(&self, tenant: &str, user: &str, id: &str) -> Answer<Address, NotificationError> {
        if !keys::is_id(id) {
            return Ok(Err(NotificationError::NoAddress));
        }
        let delete = self.table.delete(keys::address(tenant, user, id)).when(exists("pk"));
        let deleted = delete.send_or::<Address, _>(|_| NotificationError::NoAddress).await?;
        Ok(deleted.and_then(|address| address.ok_or(NotificationError::NoAddress)))
    }

    /// Gives an address another target, if it is as it was: one conditional write.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::NoAddress`] when it was deleted or changed meanwhile.
    pub async fn retarget(
        &self,
        address: &Address,
        target: &Target,
        now: Instant,
    ) -> Answer<Address, NotificationError> {
        let expression = UpdateExpression::new()
            .set("target", Value::of(target)?)
            .set("state", Value::of(&AddressState::Active)?)
            .set("updated_at", now)
            .when(eq("target", Value::of(&address.target)?));
        let update = self.table.update(address.key()).apply(expression);
        update.send_or::<Address, IgnoredAny, _>(|_| NotificationError::NoAddress).await
    }

    /// Notes that a mailbox is its user's: one conditional write.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::NoAddress`] when it was deleted or changed meanwhile.
    pub async fn confirm(&self, address: &Address, now: Instant) -> Answer<(), NotificationError> {
        let expression = UpdateExpression::new()
            .set("state", Value::of(&AddressState::Active)?)
            .set("updated_at", now)
            .set("confirmed_at", now)
            .when(eq("target", Value::of(&address.target)?));
        let update = self.table.update(address.key()).apply(expression);
        let confirmed = update.send_or::<IgnoredAny, IgnoredAny, _>(|_| NotificationError::NoAddress).await?;
        Ok(confirmed.map(drop))
    }

    /// Changes an address's state, where it is of the same target: one conditional write. True if it was there.
    ///
    /// # Errors
    /// Our failure.
    pub async fn set_address_state(
        &self,
        key: Key,
        target: &Target,
        state: AddressState,
        now: Instant,
    ) -> Result<bool, Fault> {
        let expression = UpdateExpression::new().set("state", Value::of(&state)?).set("updated_at", now);
        let expression = expression.when(eq("target", Value::of(target)?));
        let update = self.table.update(key).apply(expression);
        Ok(update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.is_ok())
    }

    /// Notes that a mail address takes no mail: one write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn suppress(&self, suppressed: &Suppressed) -> Result<(), Fault> {
        self.table.put(suppressed).send_or::<()>(|_| ()).await.map(drop)
    }

    /// Takes a mail address off the list, since its owner confirmed it anew: one write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn unsuppress(&self, tenant: &str, digest: &str) -> Result<(), Fault> {
        let delete = self.table.delete(keys::suppression(tenant, digest));
        delete.send_or::<IgnoredAny, ()>(|_| ()).await.map(drop)
    }

    /// Whether a mail address takes mail: one eventually consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn suppressed(&self, tenant: &str, digest: &str) -> Result<Option<Suppressed>, Fault> {
        self.table.get(&keys::suppression(tenant, digest), Consistency::Eventual).await
    }
}
