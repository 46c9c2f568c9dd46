//! Entries: what is posted to a side of an account.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Currency;
use types::money::MOST_MINOR;

use super::account::{AccountId, Side};
use super::refusal::LedgerError;

/// Most entries of a transaction: each is two items, and DynamoDB takes a hundred of them at once.
pub const MOST_ENTRIES: usize = 40;
/// An entry as asked for, and as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its account.
    pub account_id: String,
    /// Its side.
    pub side: Side,
    /// How much, in minor units: 1 to 2^53 - 1.
    pub amount_minor: u64,
    /// The account's currency, so that nobody is mistaken about it.
    pub currency: Currency,
}

/// An entry that has been checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Leg {
    pub account: AccountId,
    pub side: Side,
    pub amount_minor: u64,
    pub currency: Currency,
}

/// Debits less credits of each currency.
fn totals(legs: &[Leg]) -> BTreeMap<Currency, i128> {
    let mut totals = BTreeMap::new();
    for leg in legs {
        let amount = i128::from(leg.amount_minor);
        *totals.entry(leg.currency).or_default() += if leg.side == Side::Debit { amount } else { -amount };
    }
    totals
}

/// Entries as legs: a double entry, whatever their accounts are.
pub(super) fn legs(entries: &[Entry]) -> Result<Vec<Leg>, LedgerError> {
    let refuse = |why: String| Err(LedgerError::Entries(why));
    if !(2..=MOST_ENTRIES).contains(&entries.len()) {
        return refuse(format!("a transaction has 2 to {MOST_ENTRIES} entries"));
    }
    let (mut legs, mut seen) = (Vec::with_capacity(entries.len()), BTreeSet::new());
    for entry in entries {
        let account: AccountId = entry.account_id.parse()?;
        if !(1..=MOST_MINOR).contains(&entry.amount_minor) {
            return refuse(format!("an amount is 1 to {MOST_MINOR} minor units"));
        }
        if !seen.insert((account.clone(), entry.side)) {
            return refuse(format!("{account} has two entries on one side: add them up"));
        }
        legs.push(Leg { account, side: entry.side, amount_minor: entry.amount_minor, currency: entry.currency });
    }
    match totals(&legs).into_iter().find(|(_, total)| *total != 0) {
        Some((currency, total)) => {
            refuse(format!("debits and credits of {currency} differ by {} minor units", total.unsigned_abs()))
        }
        None => Ok(legs),
    }
}

/// Whether both are the same entries, in any order.
pub fn are_same(one: &[Leg], other: &[Leg]) -> bool {
    let sorted = |legs: &[Leg]| {
        let mut legs = legs.to_vec();
        legs.sort_by(|a, b| (&a.account, a.side).cmp(&(&b.account, b.side)));
        legs
    };
    sorted(one) == sorted(other)
}
