//! What was posted, in order of time.

use futures_util::future::try_join_all;
use types::{Day, Fault, Instant};

use super::merge::merge;
use super::{Store, keys};
use crate::domain::Journal;

impl Store {
    /// What was posted on a day of UTC before an instant, that follows `after`; and whether there is more. One query of
    /// each part of the day, each of a whole page, eventually consistent.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn journal(
        &self,
        tenant: &str,
        day: Day,
        (from, until): (Instant, Instant),
        after: Option<&str>,
        limit: u16,
    ) -> Result<(Vec<Journal>, bool), Fault> {
        let (index, pk, sk) = keys::JOURNAL;
        let low = after.map_or_else(|| keys::from(from), keys::after);
        let high = keys::from(until);
        if low > high {
            return Ok((Vec::new(), false));
        }
        let parts = (0..keys::JOURNALS).map(|part| {
            let query = self.table.query(keys::journal(tenant, day, part)).index(index, pk, sk);
            let query = query.between(low.clone(), high.clone());
            async move { query.page::<Journal>(limit).await }
        });
        let pages = try_join_all(parts).await?;
        Ok(merge(pages, limit, Journal::place))
    }
}

impl Journal {
    /// Its place in the journal.
    pub fn place(&self) -> String {
        format!("{}#{}", self.at.sortable(), self.id)
    }
}
