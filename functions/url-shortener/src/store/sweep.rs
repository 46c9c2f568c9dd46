//! Links that expired: who is due, and how far the sweep came.

use dynamo::{Consistency, Page, UpdateExpression, exists, le, lt, missing};
use serde::Deserialize;
use types::{Fault, Instant};

use super::{EXPIRY_SHARDS, Store, keys};
use crate::domain::{Code, Link};

#[derive(Deserialize)]
struct Sweep {
    hour: i64,
}

/// An entry of the expiry index.
#[derive(Debug, Deserialize)]
struct Due {
    pk: String,
}

impl Store {
    /// The first hour (since the epoch) that may still hold links to sweep.
    ///
    /// # Errors
    /// Our failure.
    pub async fn swept_until(&self) -> Result<Option<i64>, Fault> {
        let sweep: Option<Sweep> = self.table.get(&keys::sweep(), Consistency::Strong).await?;
        Ok(sweep.map(|sweep| sweep.hour))
    }

    /// Remembers that all hours before `hour` are swept; never goes back.
    ///
    /// # Errors
    /// Our failure.
    pub async fn set_swept_until(&self, hour: i64) -> Result<(), Fault> {
        let expression = UpdateExpression::new().set("hour", hour).when(missing("pk").or(lt("hour", hour)));
        let update = self.table.update(keys::sweep()).apply(expression);
        update.send_or::<Sweep, Sweep, ()>(|_| ()).await.map(drop)
    }

    /// Codes that expired in `hour` up to `now` and are not swept yet: one query per shard.
    ///
    /// # Errors
    /// Our failure.
    pub async fn due(&self, hour: i64, now: Instant, limit: u16) -> Result<Vec<Code>, Fault> {
        let mut codes = Vec::new();
        for shard in 0..EXPIRY_SHARDS {
            let query = self.table.query(keys::expiry(hour, shard)).index("by_expiry", "expiry_pk", "expiry_sk");
            let page: Page<Due> = query.between("0", keys::moment(now, "~")).page(limit).await?;
            codes.extend(page.items.iter().filter_map(|due| keys::code_of(&due.pk)));
        }
        Ok(codes)
    }

    /// Marks an expired link as swept and takes it out of the index: one conditional write; true the first time only.
    ///
    /// # Errors
    /// Our failure.
    pub async fn sweep(&self, code: &Code, now: Instant) -> Result<bool, Fault> {
        let expired = le("expires_at", now).and(exists("expires_at"));
        let expired = expired.and(missing("swept_at")).and(missing("disabled_at"));
        let expression =
            UpdateExpression::new().set("swept_at", now).remove("expiry_pk").remove("expiry_sk").when(expired);
        let update = self.table.update(keys::link(code)).apply(expression);
        Ok(update.send_or::<Link, Link, ()>(|_| ()).await?.is_ok())
    }
}
