//! Counters that many write at once.
//!
//! A partition of DynamoDB takes 1,000 write units a second (*Best practices for designing partition keys*), and one
//! item stands in one partition: a number in one item is added to at most 1,000 times a second. So the number is kept
//! as `n` items in partitions of their own. An addition goes to one of them, chosen at random, a reading sums all.
//!
//! How many: the peak of additions a second, divided by 500 (half of what a partition takes, since chance is uneven),
//! rounded up. A counter with fewer than 500 a second needs one. The number may grow at any time (new items begin at
//! nothing); it must never shrink, as the items left out would no longer be summed.

use serde::Deserialize;
use types::{Answer, Fault, Instant, Once, OnceRefusal, random};

use crate::item::{Key, from_attributes};
use crate::{Consistency, Done, Table, UpdateExpression};

/// A counter of `shards` items.
#[derive(Debug, Clone)]
pub struct Counter<'a> {
    table: &'a Table,
    name: String,
    shards: u16,
}

#[derive(Deserialize)]
struct Shard {
    #[serde(default)]
    count: i64,
}

impl Table {
    /// The counter called `name`, which begins its partition keys (`<name>#<shard>`, sort key `COUNTER`); at least one
    /// shard.
    pub fn counter(&self, name: impl Into<String>, shards: u16) -> Counter<'_> {
        Counter { table: self, name: name.into(), shards: shards.max(1) }
    }
}

impl Counter<'_> {
    /// Adds to the counter: one write of 1 unit.
    ///
    /// **Not exact where a reply is lost:** the SDK repeats a call whose answer did not come, and an addition that had
    /// taken effect then counts twice. Use [`Counter::add_once`] where that matters.
    ///
    /// # Errors
    /// When the table cannot be written; whether it was added is then unknown.
    pub async fn add(&self, amount: i64) -> Result<(), Fault> {
        self.table.update(self.key(self.any_shard())).apply(addition(amount)).send().await
    }

    /// Adds to the counter once for each `id`, however often it is called within 24 h: one transaction of two writes, 4
    /// units. True when it was added now, false when it had been before.
    ///
    /// # Errors
    /// Refuses with [`OnceRefusal::Mismatch`] an id that was used with another amount, and with
    /// [`OnceRefusal::InProgress`] one that is being added at this moment. A fault leaves unknown whether it was added;
    /// calling again with the same id settles it.
    pub async fn add_once(&self, id: &str, amount: i64, now: Instant) -> Answer<bool, OnceRefusal> {
        let once = Once { scope: self.name.clone(), key: id.to_owned(), fingerprint: amount.to_string() };
        let refused = |_: Option<Shard>| OnceRefusal::InProgress; // the addition has no condition
        let transaction = self.table.transact().update(&self.key(self.any_shard()), &addition(amount), refused)?;
        let done = transaction.once(once, &(), now)?.send::<()>().await?;
        Ok(done.map(|done| done == Done::Now))
    }

    /// The sum: one round trip per 100 shards, ½ unit (eventual) or 1 unit (strong) for each shard. It is of no single
    /// instant: additions of the same moment may be in it or not.
    ///
    /// # Errors
    /// When the table cannot be read, or the sum leaves the range of `i64`.
    pub async fn read(&self, consistency: Consistency) -> Result<i64, Fault> {
        let keys: Vec<Key> = (0..self.shards).map(|shard| self.key(shard)).collect();
        let mut sum = 0_i64;
        for item in self.table.get_many(&keys, consistency).await? {
            let shard: Shard = from_attributes(item)?;
            sum = sum.checked_add(shard.count).ok_or_else(|| Fault::permanent("a counter's sum is out of range"))?;
        }
        Ok(sum)
    }

    fn key(&self, shard: u16) -> Key {
        Key::new(format!("{}#{shard}", self.name), "COUNTER")
    }

    fn any_shard(&self) -> u16 {
        u16::from_be_bytes(random::bytes()) % self.shards
    }
}

fn addition(amount: i64) -> UpdateExpression {
    UpdateExpression::new().add("count", amount)
}
