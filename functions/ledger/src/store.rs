//! The table: keys, items, one method per access pattern (the README's table lists them).
//!
//! Accounts, transactions, their ends, entries and checkpoints are written once, under the condition that nothing is
//! there, and never again. Only balances are changed.

mod accounts;
mod balances;
mod journal;
mod keys;
mod merge;
mod postings;
mod statements;

use std::collections::BTreeMap;
use std::sync::Arc;

use dynamo::{Consistency, Item, Key, Table, Value};
use quick_cache::sync::Cache;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use types::{Fault, Instant};
use work::DueBuckets;

use crate::domain::{Account, AccountId, Checkpoint, Outcome, Resolution, Side, Transaction, TransactionId};
pub(crate) use balances::BEGINNING;
pub use balances::{SETTLED, Turn};
pub use keys::{END, TX};
pub use postings::Hold;

/// Accounts that a sandbox remembers.
const MOST_KNOWN: usize = 10_000;

impl Item for Account {
    fn key(&self) -> Key {
        keys::account(&self.tenant, self.id.as_str())
    }
}

impl Item for Transaction {
    fn key(&self) -> Key {
        keys::transaction(&self.tenant, &self.id)
    }

    fn index(&self) -> Vec<(&'static str, Value)> {
        if self.pending { Vec::new() } else { keys::in_journal(&self.tenant, &self.id, self.at) }
    }
}

impl Item for Resolution {
    fn key(&self) -> Key {
        keys::end(&self.tenant, &self.id)
    }

    fn index(&self) -> Vec<(&'static str, Value)> {
        match self.outcome {
            Outcome::Posted => keys::in_journal(&self.tenant, &self.id, self.at),
            Outcome::Voided | Outcome::Expired => Vec::new(),
        }
    }
}

impl Item for Checkpoint {
    fn key(&self) -> Key {
        keys::checkpoint(&self.tenant, &self.account, self.shard, self.before)
    }
}

/// What was posted to one side of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Entry {
    pub tenant: String,
    pub account: AccountId,
    pub shard: u8,
    pub transaction: TransactionId,
    pub side: Side,
    pub amount_minor: u64,
    pub description: String,
    #[serde(with = "types::time::millis")]
    pub at: Instant,
}

impl Item for Entry {
    fn key(&self) -> Key {
        keys::entry(self)
    }
}

impl Entry {
    /// Its place among an account's entries, whatever their shard.
    pub fn place(&self) -> String {
        keys::entry(self).sk
    }
}

/// The system's table.
#[derive(Debug, Clone)]
pub struct Store {
    table: Table,
    due: DueBuckets,
    /// An account never changes.
    known: Arc<Cache<(String, AccountId), Account>>,
}

/// Accounts by their ids.
pub type Accounts = BTreeMap<AccountId, Account>;

impl Store {
    /// The store in this table; each minute of what expires is in `shards` partitions.
    pub fn new(table: Table, shards: u8) -> Self {
        let known = Arc::new(Cache::new(MOST_KNOWN));
        Self { due: DueBuckets::new(table.clone(), shards), table, known }
    }

    /// What expires.
    pub fn due(&self) -> &DueBuckets {
        &self.due
    }

    /// Whether the table answers: one read of an item that is never there.
    ///
    /// # Errors
    /// When it does not.
    pub async fn probe(&self) -> Result<(), Fault> {
        self.table.get::<IgnoredAny>(&keys::probe(), Consistency::Eventual).await.map(drop)
    }
}
