//! Users: their preferences, and with them their addresses.

use dynamo::{Consistency, Item, Key};
use serde::{Deserialize, Serialize};
use types::time::millis;
use types::{Fault, Instant};

use super::{Store, keys};
use crate::domain::{Address, Preferences};

/// A user's preferences as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredPreferences {
    tenant: String,
    user: String,
    pub(super) preferences: Preferences,
    #[serde(with = "millis")]
    updated_at: Instant,
}

impl Item for StoredPreferences {
    fn key(&self) -> Key {
        keys::preferences(&self.tenant, &self.user)
    }
}

/// What is known of a user.
#[derive(Debug, Clone, Default)]
pub struct User {
    /// The user's wishes; the defaults where none were told.
    pub preferences: Preferences,
    /// Where the user can be reached.
    pub addresses: Vec<Address>,
}

impl Store {
    /// A user's preferences and addresses: one strongly consistent query, since a welcome follows a registration at
    /// once. A user that nobody has told of has none.
    ///
    /// # Errors
    /// Our failure.
    pub async fn user(&self, tenant: &str, user: &str) -> Result<User, Fault> {
        let mut found = User::default();
        for item in self.table.query(keys::of_user(tenant, user)).strong().all(100).await? {
            let is_address =
                item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with(keys::ADDRESS));
            match is_address {
                true => found.addresses.push(dynamo::from_attributes(item)?),
                false => found.preferences = dynamo::from_attributes::<StoredPreferences>(item)?.preferences,
            }
        }
        Ok(found)
    }

    /// A user's preferences: one strongly consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn preferences(&self, tenant: &str, user: &str) -> Result<Preferences, Fault> {
        let stored: Option<StoredPreferences> =
            self.table.get(&keys::preferences(tenant, user), Consistency::Strong).await?;
        Ok(stored.map(|stored| stored.preferences).unwrap_or_default())
    }

    /// Replaces a user's preferences: one write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn put_preferences(
        &self,
        tenant: &str,
        user: &str,
        preferences: &Preferences,
        now: Instant,
    ) -> Result<(), Fault> {
        let (tenant, user) = (tenant.to_owned(), user.to_owned());
        let stored = StoredPreferences { tenant, user, preferences: preferences.clone(), updated_at: now };
        let put = self.table.put(&stored).send_or::<()>(|_| ()).await?;
        put.map_err(|()| Fault::permanent("a put without a condition was refused"))
    }

    /// Changes a user's preferences by what they are: one read and one write, which others' changes at the same moment
    /// repeat.
    ///
    /// # Errors
    /// Our failure; also when others were always ahead.
    pub async fn change_preferences(
        &self,
        tenant: &str,
        user: &str,
        change: impl Fn(Preferences) -> Preferences,
        now: Instant,
    ) -> Result<Preferences, Fault> {
        for _ in 0..4 {
            let key = keys::preferences(tenant, user);
            let standing: Option<StoredPreferences> = self.table.get(&key, Consistency::Strong).await?;
            let unchanged = match &standing {
                None => dynamo::missing("pk"),
                Some(stored) => dynamo::eq("preferences", dynamo::Value::of(&stored.preferences)?),
            };
            let preferences = change(standing.map(|stored| stored.preferences).unwrap_or_default());
            let (tenant, user) = (tenant.to_owned(), user.to_owned());
            let stored = StoredPreferences { tenant, user, preferences, updated_at: now };
            if self.table.put(&stored).when(unchanged).send_or(|_| ()).await?.is_ok() {
                return Ok(stored.preferences);
            }
        }
        Err(Fault::transient("others always changed the preferences at the same moment"))
    }
}
