//! Who is connected to an inbox: each connection in one of its user's places, and by its own id.

use dynamo::{Consistency, Item, Key, eq, le, missing};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use types::{Answer, Fault, Instant};

use super::{Store, keys};
use crate::domain::{Connection, MOST_CONNECTIONS, NotificationError, free_place};

/// How often a connection asks for a place that others take at the same moment.
const TRIES: u8 = 4;

impl Item for Connection {
    fn key(&self) -> Key {
        keys::place(&self.tenant, &self.user, self.place)
    }
}

/// The same by its id: a message or an end tells no more of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct ById(Connection);

impl Item for ById {
    fn key(&self) -> Key {
        keys::connection(&self.0.connection)
    }
}

/// Why a place was not to be had.
#[derive(Debug)]
enum Refused {
    Taken,
    Known,
}

impl From<types::OnceRefusal> for Refused {
    fn from(_: types::OnceRefusal) -> Self {
        Self::Taken
    }
}

impl Store {
    /// Gives a connection one of its user's places: one strongly consistent query, and one transaction of two writes.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::TooManyConnections`] where none is free.
    pub async fn connect(
        &self,
        tenant: &str,
        user: &str,
        connection: &str,
        now: Instant,
    ) -> Answer<(), NotificationError> {
        for _ in 0..TRIES {
            let taken: Vec<Connection> = self.table.query(keys::of_live(tenant, user)).strong().page(PAGE).await?.items;
            let Some(place) = free_place(connection, &taken, now) else {
                return Ok(Err(NotificationError::TooManyConnections));
            };
            let made = Connection::new(connection, tenant, user, place, now);
            let free = missing("pk").or(le("ends_at", now));
            let transaction = self.table.transact::<Refused>();
            let transaction = transaction.put(&ById(made.clone()), missing("pk"), |_| Refused::Known)?;
            let transaction = transaction.put(&made, free, |_| Refused::Taken)?;
            match transaction.send::<()>().await? {
                Ok(_) | Err(Refused::Known) => return Ok(Ok(())),
                Err(Refused::Taken) => {}
            }
        }
        Err(Fault::transient("others always took the place at the same moment"))
    }

    /// Whose a connection is: one read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn connection(&self, connection: &str) -> Result<Option<Connection>, Fault> {
        self.table.get(&keys::connection(connection), Consistency::Strong).await
    }

    /// Frees a connection's place: two writes. The second is made good by the place's own end.
    ///
    /// # Errors
    /// Our failure.
    pub async fn disconnect(&self, connection: &str) -> Result<(), Fault> {
        let delete = self.table.delete(keys::connection(connection));
        let Ok(Some(known)) = delete.send_or::<Connection, ()>(|_| ()).await? else { return Ok(()) };
        // By now it may be another's.
        let delete = self.table.delete(known.key()).when(eq("connection", connection));
        delete.send_or::<IgnoredAny, ()>(|_| ()).await.map(drop)
    }

    /// Who is connected to a user's inbox: one eventually consistent query.
    ///
    /// # Errors
    /// Our failure.
    pub async fn connections(&self, tenant: &str, user: &str, now: Instant) -> Result<Vec<Connection>, Fault> {
        let mut found: Vec<Connection> = self.table.query(keys::of_live(tenant, user)).page(PAGE).await?.items;
        found.retain(|connection| connection.ends_at > now);
        Ok(found)
    }
}

/// All places of a user.
const PAGE: u16 = MOST_CONNECTIONS as u16;
