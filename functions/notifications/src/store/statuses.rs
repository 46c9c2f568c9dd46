//! Which delivery SNS took under which id, as long as it may tell what became of it.

use std::time::Duration;

use dynamo::{Consistency, Item, Key};
use serde::{Deserialize, Serialize};
use types::{Fault, Instant};

use super::{Store, keys};
use crate::domain::{Channel, Delivery};

/// How long: SNS may tell of a text message after 72 hours; of pushes it tells what their platform answers, at once.
const KEPT: Duration = Duration::from_secs(5 * 86_400);

/// Whose an id of SNS is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Message {
    id: String,
    pub tenant: String,
    pub user: String,
    notification: String,
    channel: Channel,
    pub address: String,
    purge_at: i64,
}

impl Item for Message {
    fn key(&self) -> Key {
        keys::message(&self.id)
    }
}

impl Message {
    pub(crate) fn of(delivery: &Delivery, id: &str, now: Instant) -> Self {
        Self {
            id: id.to_owned(),
            tenant: delivery.tenant.clone(),
            user: delivery.user.clone(),
            notification: delivery.notification.clone(),
            channel: delivery.channel,
            address: delivery.address.clone(),
            purge_at: (now + KEPT).seconds(),
        }
    }

    /// Where the delivery is.
    pub(crate) fn delivery(&self) -> Key {
        keys::delivery(&self.tenant, &self.notification, self.channel, &self.address)
    }
}

impl Store {
    /// Which delivery SNS took under this id: one strongly consistent read, since it may tell within milliseconds.
    ///
    /// # Errors
    /// Our failure.
    pub(crate) async fn message(&self, id: &str) -> Result<Option<Message>, Fault> {
        self.table.get(&keys::message(id), Consistency::Strong).await
    }
}
