//! Links that expired or soon will: which are due, and how far the sweep came.

use dynamo::{Consistency, Page, UpdateExpression, eq, exists, gt, le, lt, missing};
use serde::Deserialize;
use types::{Fault, Instant};

use super::{EXPIRY_SHARDS, Store, due_keys, keys};
use crate::domain::{Code, Link, end_of_warning};

#[derive(Deserialize)]
struct Sweep {
    hour: i64,
}

/// An entry of the expiry index.
#[derive(Debug, Deserialize)]
struct Entry {
    pk: String,
    expiry_sk: String,
}

/// A link that the sweep has to look at.
#[derive(Debug)]
pub struct Due {
    /// Its code.
    pub code: Code,
    /// When the warning of its end was due, if that is what it stands in the index for.
    pub warn_at: Option<Instant>,
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

    /// Links that expired, or whose warning was due, in `hour` up to `now`, and that are not done with yet: one query
    /// per shard.
    ///
    /// # Errors
    /// Our failure.
    pub async fn due(&self, hour: i64, now: Instant, limit: u16) -> Result<Vec<Due>, Fault> {
        let due =
            |entry: &Entry| Some(Due { code: keys::code_of(&entry.pk)?, warn_at: keys::warning_of(&entry.expiry_sk) });
        let mut found = Vec::new();
        for shard in 0..EXPIRY_SHARDS {
            let query = self.table.query(keys::expiry(hour, shard)).index("by_expiry", "expiry_pk", "expiry_sk");
            let page: Page<Entry> = query.between("0", keys::moment(now, "~")).page(limit).await?;
            found.extend(page.items.iter().filter_map(due));
        }
        Ok(found)
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

    /// Marks a link as one whose owner is warned of its end, and moves it in the index to that end: one conditional
    /// write; true the first time only, and never for an end that has come or been changed.
    ///
    /// # Errors
    /// Our failure.
    pub async fn warn(&self, code: &Code, warn_at: Instant, now: Instant) -> Result<bool, Fault> {
        let end = end_of_warning(warn_at);
        let [bucket, moment] = due_keys(code, None, end);
        let pending = eq("warn_at", warn_at).and(eq("expires_at", end)).and(gt("expires_at", now));
        let expression = UpdateExpression::new()
            .set("warned_at", now)
            .set("expiry_pk", bucket)
            .set("expiry_sk", moment)
            .remove("warn_at")
            .when(pending.and(missing("disabled_at")));
        let update = self.table.update(keys::link(code)).apply(expression);
        Ok(update.send_or::<Link, Link, ()>(|_| ()).await?.is_ok())
    }
}
