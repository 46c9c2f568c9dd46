//! Users: their preferences, and with them their addresses.

use dynamo::{Consistency, Item, Key, UpdateExpression, Value, eq, exists, missing};
use serde::{Deserialize, Serialize};
use types::time::millis;
use types::{Answer, Fault, Instant};
use web::IfMatch;

use super::{Store, keys};
use crate::domain::{Address, NotificationError, Preferences};

/// Most items of a user that are read: preferences, and far more addresses than there are to be.
const MOST_ITEMS: u16 = 40;

/// A user's preferences as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredPreferences {
    tenant: String,
    user: String,
    pub(super) preferences: Preferences,
    /// How often they were changed.
    #[serde(default)]
    version: u64,
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
        // Whoever registers many at the same moment may have more than there are to be. The preferences come first.
        for item in self.table.query(keys::of_user(tenant, user)).strong().descending().first(MOST_ITEMS).await? {
            let is_address =
                item.get("sk").and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with(keys::ADDRESS));
            match is_address {
                true => found.addresses.push(dynamo::from_attributes(item)?),
                false => found.preferences = dynamo::from_attributes::<StoredPreferences>(item)?.preferences,
            }
        }
        Ok(found)
    }

    /// A user's preferences and their version, 0 where none were told: one strongly consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn preferences(&self, tenant: &str, user: &str) -> Result<(Preferences, u64), Fault> {
        let stored: Option<StoredPreferences> =
            self.table.get(&keys::preferences(tenant, user), Consistency::Strong).await?;
        Ok(stored.map(|stored| (stored.preferences, stored.version)).unwrap_or_default())
    }

    /// Replaces a user's preferences and answers their version: one conditional write.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::Version`] where others than `expected` are there.
    pub async fn put_preferences(
        &self,
        tenant: &str,
        user: &str,
        preferences: &Preferences,
        expected: IfMatch,
        now: Instant,
    ) -> Answer<u64, NotificationError> {
        let write = UpdateExpression::new()
            .set("tenant", tenant)
            .set("user", user)
            .set("preferences", Value::of(preferences)?)
            .set("updated_at", now)
            .add("version", 1_u64);
        let write = match expected {
            IfMatch::Whatever => write,
            IfMatch::Any => write.when(exists("pk")),
            IfMatch::Version(0) => write.when(missing("pk")),
            IfMatch::Version(version) => write.when(eq("version", version)),
        };
        let update = self.table.update(keys::preferences(tenant, user)).apply(write);
        let refused =
            |standing: Option<StoredPreferences>| NotificationError::Version(standing.map(|standing| standing.version));
        let written = update.send_or::<StoredPreferences, StoredPreferences, _>(refused).await?;
        Ok(written.map(|written| written.version))
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
                None => missing("pk"),
                Some(stored) => eq("preferences", Value::of(&stored.preferences)?),
            };
            let version = standing.as_ref().map_or(0, |stored| stored.version) + 1;
            let preferences = change(standing.map(|stored| stored.preferences).unwrap_or_default());
            let (tenant, user) = (tenant.to_owned(), user.to_owned());
            let stored = StoredPreferences { tenant, user, preferences, version, updated_at: now };
            if self.table.put(&stored).when(unchanged).send_or(|_| ()).await?.is_ok() {
                return Ok(stored.preferences);
            }
        }
        Err(Fault::transient("others always changed the preferences at the same moment"))
    }
}
