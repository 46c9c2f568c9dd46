//! Balances: as they are, as they were, and the checkpoints that the latter are counted from.

use std::time::Duration;

use dynamo::{Attributes, Consistency, missing, number};
use futures_util::future::try_join_all;
use types::{Fault, Instant};

use super::{Entry, Store, keys};
use crate::domain::{Account, AccountId, Balance, Checkpoint, Side};

/// What was posted so long ago is all there: longer than any function runs and clocks differ.
pub const SETTLED: Duration = Duration::from_secs(300);
/// Entries behind the newest checkpoint that are added up before an answer is given up.
const MOST_ENTRIES: usize = 100_000;

/// A balance that was changed so often that it is time for a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Turn {
    pub tenant: String,
    pub account: AccountId,
    pub shard: u8,
}

impl Turn {
    /// Whether this change of a balance is one to make a checkpoint after: each that fills `every` changes.
    ///
    /// # Errors
    /// When the item is no balance.
    pub fn of(old: Option<&Attributes>, new: &Attributes, every: u32) -> Result<Option<Self>, Fault> {
        let times = |item: &Attributes| number(item, "changes").map(|changes| changes / i128::from(every.max(1)));
        let before = old.map(times).transpose()?.unwrap_or_default();
        let pk = new.get("pk").and_then(|pk| pk.as_s().ok()).map(String::as_str).unwrap_or_default();
        let whose = keys::balance_of(pk).filter(|_| times(new).is_ok_and(|now| now > before));
        Ok(whose.map(|(tenant, account, shard)| Self { tenant: tenant.to_owned(), account, shard }))
    }
}

fn sums(item: &Attributes) -> Result<Balance, Fault> {
    Ok(Balance {
        debits: number(item, "debits")?,
        credits: number(item, "credits")?,
        pending_debits: number(item, "pending_debits")?,
        pending_credits: number(item, "pending_credits")?,
        available: number(item, "available")?,
    })
}

impl Store {
    /// An account's balance at one instant: one strongly consistent read, or one transaction of reads where it has
    /// several shards.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn balance(&self, account: &Account) -> Result<Balance, Fault> {
        let key = |shard| keys::balance(&account.tenant, &account.id, shard);
        let items = if account.shards == 1 {
            self.table.get_many(&[key(0)], Consistency::Strong).await?
        } else {
            let keys: Vec<_> = (0..account.shards).map(key).collect();
            self.table.get_together(&keys).await?.into_iter().flatten().collect()
        };
        items.iter().try_fold(Balance::default(), |sum, item| Ok(sum.plus(sums(item)?)))
    }

    /// What was posted to an account until an instant, and at it.
    ///
    /// # Errors
    /// When the table cannot be read, or there is more to add up than [`MOST_ENTRIES`].
    pub async fn balance_at(&self, account: &Account, until: Instant) -> Result<Balance, Fault> {
        let shards = (0..account.shards).map(|shard| self.posted(&account.tenant, &account.id, shard, until));
        let sums = try_join_all(shards).await?;
        Ok(sums.into_iter().fold(Balance::default(), Balance::plus))
    }

    /// From the newest checkpoint: one query for it, and a page for each 1,000 entries since.
    async fn posted(&self, tenant: &str, id: &AccountId, shard: u8, until: Instant) -> Result<Balance, Fault> {
        let checkpoints = self.table.query(keys::checkpoints(tenant, id, shard));
        let newest = checkpoints.between("0", until.sortable()).descending().first(1).await?;
        let newest: Option<Checkpoint> = newest.into_iter().next().map(dynamo::from_attributes).transpose()?;
        let from = newest.as_ref().map_or_else(|| "0".to_owned(), |it| keys::from(it.before));
        let entries = self.table.query(keys::entries(tenant, id, shard)).between(from, keys::until(until)).strong();
        let mut sum = newest.map(|it| it.sums()).unwrap_or_default();
        for item in entries.all(MOST_ENTRIES).await? {
            let entry: Entry = dynamo::from_attributes(item)?;
            match entry.side {
                Side::Debit => sum.debits += i128::from(entry.amount_minor),
                Side::Credit => sum.credits += i128::from(entry.amount_minor),
            }
        }
        Ok(sum)
    }

    /// Notes what was posted until [`SETTLED`] ago, where it is: the next count begins there.
    ///
    /// # Errors
    /// When the table cannot be read or written.
    pub async fn checkpoint(&self, turn: &Turn, now: Instant) -> Result<(), Fault> {
        let before = now - SETTLED;
        let Turn { tenant, account, shard } = turn.clone();
        let sum = self.posted(&tenant, &account, shard, before - Duration::from_millis(1)).await?;
        let (debits, credits) = (sum.debits.to_string(), sum.credits.to_string());
        let checkpoint = Checkpoint { tenant, account, shard, before, debits, credits };
        self.table.put(&checkpoint).when(missing("pk")).send_or(|_| ()).await.map(drop)
    }
}
