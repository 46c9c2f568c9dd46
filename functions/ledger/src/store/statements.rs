//! An account's entries, in order of time.

use futures_util::future::try_join_all;
use types::{Fault, Instant};

use super::merge::merge;
use super::{Entry, Store, keys};
use crate::domain::Account;

impl Store {
    /// The entries of an account from one instant until another, both included, that follow `after`; and whether there
    /// are more. One query of each shard, each of a whole page.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn entries(
        &self,
        account: &Account,
        (from, until): (Instant, Instant),
        after: Option<&str>,
        limit: u16,
    ) -> Result<(Vec<Entry>, bool), Fault> {
        let low = after.map_or_else(|| keys::from(from), keys::after);
        let high = keys::until(until);
        if low > high {
            return Ok((Vec::new(), false));
        }
        let shards = (0..account.shards).map(|shard| {
            let entries = self.table.query(keys::entries(&account.tenant, &account.id, shard));
            let entries = entries.between(low.clone(), high.clone()).strong();
            async move { entries.page::<Entry>(limit).await }
        });
        let pages = try_join_all(shards).await?;
        Ok(merge(pages, limit, Entry::place))
    }
}
