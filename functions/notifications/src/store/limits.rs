//! Caps: how often a user is interrupted, and what text messages may cost.

use std::time::Duration;

use dynamo::{UpdateExpression, Value, contains, exists, fewer, le, missing};
use serde::de::IgnoredAny;
use types::{Fault, Instant};

use super::{Store, keys, purge};

impl Store {
    /// Counts a notification among those that interrupt its user in this hour, unless there are `most` already: one
    /// conditional write. One that is counted stays so, however often it is asked: its other deliveries and its
    /// repetitions are no further interruption. False where there is no room.
    ///
    /// # Errors
    /// Our failure.
    pub async fn interrupt(
        &self,
        tenant: &str,
        user: &str,
        notification: &str,
        most: u32,
        now: Instant,
    ) -> Result<bool, Fault> {
        let expression = UpdateExpression::new()
            .add("notifications", Value::text_set(notification))
            .set("purge_at", purge(now, Duration::from_secs(2 * 3600)))
            .when(
                contains("notifications", notification)
                    .or(missing("notifications"))
                    .or(fewer("notifications", most.into())),
            );
        let update = self.table.update(keys::cap(tenant, user, &now.hour())).apply(expression);
        Ok(update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.is_ok())
    }

    /// Takes `micros` (millionths of a dollar) from what a tenant's text messages may cost in a day: one conditional
    /// write. False where there is not so much left. A lost answer may take twice, never too little.
    ///
    /// # Errors
    /// Our failure.
    pub async fn spend(&self, tenant: &str, micros: u64, most: u64, now: Instant) -> Result<bool, Fault> {
        let Some(room) = most.checked_sub(micros) else { return Ok(false) };
        let expression = UpdateExpression::new()
            .add("micros", micros)
            .set("purge_at", purge(now, Duration::from_secs(3 * 86_400)))
            .when(missing("micros").or(le("micros", room)));
        let update = self.table.update(keys::spent(tenant, &now.day().to_string())).apply(expression);
        Ok(update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.is_ok())
    }

    /// Gives back what was taken by [`Store::spend`] at the same time: one write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn give_back(&self, tenant: &str, micros: u64, now: Instant) -> Result<(), Fault> {
        let back = i64::try_from(micros).map_or(0, i64::wrapping_neg);
        let expression = UpdateExpression::new().add("micros", Value::from(back)).when(exists("micros"));
        let update = self.table.update(keys::spent(tenant, &now.day().to_string())).apply(expression);
        update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await.map(drop)
    }
}
