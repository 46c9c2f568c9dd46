//! Keys. A tenant's name has no `#`, nor has any id.

use dynamo::{Key, Value};
use types::{Day, Instant};

use super::Entry;
use crate::domain::{AccountId, TransactionId};

/// Sort key of a transaction.
pub const TX: &str = "TX";
/// Sort key of a transaction's end.
pub const END: &str = "END";
/// Partitions of a tenant's day in the journal: each takes 1,000 writes a second.
pub(super) const JOURNALS: u8 = 4;

/// The index of what was posted, by time.
pub(super) const JOURNAL: (&str, &str, &str) = ("journal", "journal_pk", "journal_sk");

pub(super) fn probe() -> Key {
    Key::new("PROBE", "PROBE")
}

pub(super) fn accounts(tenant: &str) -> String {
    format!("A#{tenant}")
}

pub(super) fn account(tenant: &str, id: &str) -> Key {
    Key::new(accounts(tenant), id)
}

pub(super) fn balance(tenant: &str, account: &AccountId, shard: u8) -> Key {
    Key::new(format!("B#{tenant}#{account}#{shard:02}"), "BALANCE")
}

/// Whose balance the partition key is of.
pub(super) fn balance_of(pk: &str) -> Option<(&str, AccountId, u8)> {
    let mut parts = pk.strip_prefix("B#")?.split('#');
    let (tenant, account, shard) = (parts.next()?, parts.next()?, parts.next()?);
    Some((tenant, account.parse().ok()?, shard.parse().ok()?))
}

pub(super) fn of_transaction(tenant: &str, id: &TransactionId) -> String {
    format!("T#{tenant}#{id}")
}

pub(super) fn transaction(tenant: &str, id: &TransactionId) -> Key {
    Key::new(of_transaction(tenant, id), TX)
}

pub(super) fn end(tenant: &str, id: &TransactionId) -> Key {
    Key::new(of_transaction(tenant, id), END)
}

pub(super) fn entries(tenant: &str, account: &AccountId, shard: u8) -> String {
    format!("E#{tenant}#{account}#{shard:02}")
}

pub(super) fn entry(entry: &Entry) -> Key {
    let Entry { tenant, account, shard, transaction, side, at, .. } = entry;
    Key::new(entries(tenant, account, *shard), format!("{}#{transaction}#{}", at.sortable(), side.letter()))
}

pub(super) fn checkpoints(tenant: &str, account: &AccountId, shard: u8) -> String {
    format!("C#{tenant}#{account}#{shard:02}")
}

pub(super) fn checkpoint(tenant: &str, account: &AccountId, shard: u8, before: Instant) -> Key {
    Key::new(checkpoints(tenant, account, shard), before.sortable())
}

pub(super) fn journal(tenant: &str, day: Day, part: u8) -> String {
    format!("J#{tenant}#{day}#{part}")
}

/// Where something that was posted is in the journal.
pub(super) fn in_journal(tenant: &str, id: &TransactionId, at: Instant) -> Vec<(&'static str, Value)> {
    let part = u8::try_from(types::fnv1a(id.as_str()) % u64::from(JOURNALS)).unwrap_or_default();
    let (_, pk, sk) = JOURNAL;
    vec![(pk, journal(tenant, at.day(), part).into()), (sk, format!("{}#{id}", at.sortable()).into())]
}

/// Sort keys that begin with a time: all from `from` …
pub(super) fn from(from: Instant) -> String {
    from.sortable()
}

/// … and all until `until`, with those of that very millisecond.
pub(super) fn until(until: Instant) -> String {
    format!("{}~", until.sortable())
}

/// All that come after this one: no key goes on with a space.
pub(super) fn after(sk: &str) -> String {
    format!("{sk} ")
}
