//! Balances: as they are, as they were, and the checkpoints that the latter are counted from.

use std::time::Duration;

use dynamo::{Attributes, Consistency, missing, number};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use types::{Fault, Instant};

use super::{Entry, Store, keys};
use crate::domain::{Account, AccountId, Balance, Checkpoint, Side};

/// What was posted so long ago is all there: longer than any function runs and clocks differ.
pub const SETTLED: Duration = Duration::from_secs(300);
/// Entries behind the newest checkpoint that are added up before an answer is given up.
const MOST_ENTRIES: usize = 100_000;
/// Entries of a page.
const PAGE: u16 = 1000;
/// Shards whose entries are added up at the same time.
const SHARDS_AT_ONCE: usize = 8;
/// Nothing was posted before.
pub(crate) const BEGINNING: Instant = Instant::from_millis(0);

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

    /// What was posted to an account until an instant, and at it: a query for the newest checkpoint, and a page for
    /// each 1,000 entries since, of each shard.
    ///
    /// # Errors
    /// When the table cannot be read, or there is more to add up than [`MOST_ENTRIES`].
    pub async fn balance_at(&self, account: &Account, until: Instant) -> Result<Balance, Fault> {
        if until < BEGINNING {
            return Ok(Balance::default());
        }
        let shard = |shard| async move {
            let turn = Turn { tenant: account.tenant.clone(), account: account.id.clone(), shard };
            let count = self.count(&turn, until, MOST_ENTRIES).await?;
            if count.rest {
                return Err(Fault::permanent(format!("more than {MOST_ENTRIES} entries have no checkpoint")));
            }
            Ok(count.sum)
        };
        let sums = stream::iter(0..account.shards).map(shard).buffer_unordered(SHARDS_AT_ONCE);
        sums.try_fold(Balance::default(), |sum, more| async move { Ok(sum.plus(more)) }).await
    }

    /// Adds up, from the newest checkpoint, at most some `most` entries.
    async fn count(&self, turn: &Turn, until: Instant, most: usize) -> Result<Count, Fault> {
        let Turn { tenant, account, shard } = turn;
        let checkpoints = self.table.query(keys::checkpoints(tenant, account, *shard));
        let newest = checkpoints.between(keys::from(BEGINNING), keys::from(until)).descending().first(1).await?;
        let newest: Option<Checkpoint> = newest.into_iter().next().map(dynamo::from_attributes).transpose()?;
        let (before, sum) = match newest {
            Some(checkpoint) => (checkpoint.before, checkpoint.sums()?),
            None => (BEGINNING, Balance::default()),
        };
        let mut count = Count { sum, settled: (before, sum), rest: false };
        let limit = u16::try_from(most).unwrap_or(PAGE).min(PAGE);
        let (mut after, mut counted) = (None, 0);
        loop {
            let entries = self.table.query(keys::entries(tenant, account, *shard)).strong();
            let entries = entries.between(keys::from(before), keys::until(until));
            let page = entries.after(after).page::<Entry>(limit).await?;
            counted += page.items.len();
            page.items.iter().for_each(|entry| count.add(entry));
            after = page.next;
            if after.is_none() || counted >= most {
                count.rest = after.is_some();
                return Ok(count);
            }
        }
    }

    /// Notes what was posted until [`SETTLED`] ago, where it is: the next count begins there. Where that is very much,
    /// it is noted in steps, so that none is too long for good.
    ///
    /// # Errors
    /// When the table cannot be read or written.
    pub async fn checkpoint(&self, turn: &Turn, now: Instant, step: usize) -> Result<(), Fault> {
        let before = now - SETTLED;
        loop {
            let count = self.count(turn, before - Duration::from_millis(1), step).await?;
            let (at, sum) = if count.rest { count.settled } else { (before, count.sum) };
            let Turn { tenant, account, shard } = turn.clone();
            let (debits, credits) = (sum.debits.to_string(), sum.credits.to_string());
            let checkpoint = Checkpoint { tenant, account, shard, before: at, debits, credits };
            let put = self.table.put(&checkpoint).when(missing("pk")).send_or(|_: Option<Checkpoint>| ()).await?;
            aws::count("checkpoints", 1.0);
            if !count.rest {
                return Ok(());
            }
            // A thousand entries in one millisecond of one shard are none that DynamoDB takes.
            if put.is_err() {
                return Err(Fault::permanent("a step of entries is of one instant"));
            }
        }
    }
}

/// Sums so far.
struct Count {
    sum: Balance,
    /// An instant, and the sums of everything before it.
    settled: (Instant, Balance),
    /// Whether there is more.
    rest: bool,
}

impl Count {
    fn add(&mut self, entry: &Entry) {
        if self.settled.0 < entry.at {
            self.settled = (entry.at, self.sum);
        }
        match entry.side {
            Side::Debit => self.sum.debits += i128::from(entry.amount_minor),
            Side::Credit => self.sum.credits += i128::from(entry.amount_minor),
        }
    }
}
