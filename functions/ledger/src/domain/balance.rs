//! What a transaction does to balances.
//!
//! An account has four sums, as TigerBeetle's have: debits and credits, posted and pending. `available` is what may
//! still be taken from it: posted amounts on its normal side, less those on the other, less what holds take. What holds
//! will bring counts only once it is posted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{Fault, Instant};

use super::account::{Account, AccountId, Side};
use super::entry::Leg;
use super::transaction::{Outcome, Resolution, Transaction};

/// The sums of an account or of a part of it, in minor units; also changes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Balance {
    pub debits: i128,
    pub credits: i128,
    pub pending_debits: i128,
    pub pending_credits: i128,
    pub available: i128,
}

/// The sums of what was posted to a part of an account before an instant. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Checkpoint {
    pub tenant: String,
    pub account: AccountId,
    pub shard: u8,
    /// Everything posted before it is in the sums.
    #[serde(with = "types::time::millis")]
    pub before: Instant,
    /// Decimal, since numbers of items are read as 64 bits.
    pub debits: String,
    pub credits: String,
}

/// A change of one account, and what must be available for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Effect {
    pub change: Balance,
    /// Least that must be available before; only where the account may not go negative.
    pub least: Option<u64>,
}

/// What happens to a transaction's amounts.
#[derive(Debug, Clone, Copy)]
pub enum Movement<'a> {
    /// It is made: posted at once, or held.
    Made(&'a Transaction),
    /// A pending one ends.
    Ended(&'a Transaction, &'a Resolution),
}

impl Balance {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            debits: self.debits + other.debits,
            credits: self.credits + other.credits,
            pending_debits: self.pending_debits + other.pending_debits,
            pending_credits: self.pending_credits + other.pending_credits,
            available: self.available + other.available,
        }
    }

    /// What was posted, counted on the account's normal side.
    pub fn posted(&self, normal: Side) -> i128 {
        match normal {
            Side::Debit => self.debits - self.credits,
            Side::Credit => self.credits - self.debits,
        }
    }

    fn post(&mut self, side: Side, amount: i128) {
        match side {
            Side::Debit => self.debits += amount,
            Side::Credit => self.credits += amount,
        }
    }

    fn hold(&mut self, side: Side, amount: i128) {
        match side {
            Side::Debit => self.pending_debits += amount,
            Side::Credit => self.pending_credits += amount,
        }
    }
}

impl Movement<'_> {
    /// What it does to each account; accounts that are not known are left out.
    pub fn effects(self, accounts: &BTreeMap<AccountId, Account>) -> BTreeMap<AccountId, Effect> {
        let mut changes: BTreeMap<AccountId, Balance> = BTreeMap::new();
        let mut each = |leg: &Leg, change: &dyn Fn(&mut Balance, i128, bool)| {
            let Some(account) = accounts.get(&leg.account) else { return };
            let takes = leg.side != account.normal_side;
            change(changes.entry(leg.account.clone()).or_default(), i128::from(leg.amount_minor), takes);
        };
        match self {
            Self::Made(made) if made.pending => {
                for leg in &made.legs {
                    each(leg, &|balance, amount, takes| {
                        balance.hold(leg.side, amount);
                        balance.available -= if takes { amount } else { 0 };
                    });
                }
            }
            Self::Made(made) => {
                for leg in &made.legs {
                    each(leg, &|balance, amount, takes| {
                        balance.post(leg.side, amount);
                        balance.available += if takes { -amount } else { amount };
                    });
                }
            }
            Self::Ended(made, end) => {
                for leg in &made.legs {
                    each(leg, &|balance, amount, takes| {
                        balance.hold(leg.side, -amount);
                        balance.available += if takes { amount } else { 0 };
                    });
                }
                for leg in end.legs.iter().filter(|_| end.outcome == Outcome::Posted) {
                    each(leg, &|balance, amount, takes| {
                        balance.post(leg.side, amount);
                        balance.available += if takes { -amount } else { amount };
                    });
                }
            }
        }
        let effect = |(id, change): (AccountId, Balance)| {
            let guarded = accounts.get(&id).is_some_and(|account| !account.may_go_negative);
            // A hold that brings as much as it takes still takes it first.
            let least = Some(-change.available).filter(|&least| guarded && least > 0);
            (id, Effect { change, least: least.map(|least| u64::try_from(least).unwrap_or(u64::MAX)) })
        };
        changes.into_iter().map(effect).collect()
    }
}

impl Checkpoint {
    /// Its sums.
    ///
    /// # Errors
    /// When they are none.
    pub fn sums(&self) -> Result<Balance, Fault> {
        let read =
            |text: &str| text.parse().map_err(|e| Fault::permanent("reading the sums of a checkpoint").caused_by(e));
        Ok(Balance { debits: read(&self.debits)?, credits: read(&self.credits)?, ..Balance::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountType, Entry, NewAccount, NewTransaction};
    use proptest::prelude::*;

    const NOW: Instant = Instant::from_seconds(1_800_000_000);

    fn accounts() -> BTreeMap<AccountId, Account> {
        let open = |(id, kind, may_go_negative): (&str, _, _)| {
            let new = NewAccount {
                account_id: id.to_owned(),
                kind,
                currency: "EUR".parse().unwrap(),
                normal_side: None,
                may_go_negative,
                shards: 1,
                description: None,
            };
            let account = new.open("alice", NOW).unwrap();
            (account.id.clone(), account)
        };
        let kinds = [
            ("cash", AccountType::Asset, false),
            ("sales", AccountType::Income, true),
            ("owed", AccountType::Liability, false),
        ];
        kinds.into_iter().map(open).collect()
    }

    fn made(amounts: [u64; 2], turned: bool, pending: bool) -> Transaction {
        let (debit, credit) = if turned { (Side::Credit, Side::Debit) } else { (Side::Debit, Side::Credit) };
        let entry = |account: &str, side, amount_minor| Entry {
            account_id: account.to_owned(),
            side,
            amount_minor,
            currency: "EUR".parse().unwrap(),
        };
        let [one, two] = amounts;
        let entries = vec![entry("cash", debit, one + two), entry("sales", credit, one), entry("owed", credit, two)];
        let new = NewTransaction {
            transaction_id: "t".to_owned(),
            entries,
            description: String::new(),
            metadata: None,
            pending,
            expires_at: None,
        };
        new.check("alice", NOW).unwrap()
    }

    fn changes(movement: Movement<'_>) -> BTreeMap<AccountId, Balance> {
        movement.effects(&accounts()).into_iter().map(|(id, effect)| (id, effect.change)).collect()
    }

    fn plus(one: BTreeMap<AccountId, Balance>, other: &BTreeMap<AccountId, Balance>) -> BTreeMap<AccountId, Balance> {
        one.into_iter().map(|(id, change)| (id.clone(), change.plus(other[&id]))).collect()
    }

    proptest! {
        #[test]
        fn debits_are_credits_whatever_moves(one in 1..1_000_000_u64, two in 1..1_000_000_u64, turned: bool) {
            let held = made([one, two], turned, true);
            let end = held.resolve(Outcome::Posted, None, NOW).unwrap();
            for movement in [
                Movement::Made(&made([one, two], turned, false)),
                Movement::Made(&held),
                Movement::Ended(&held, &end),
            ] {
                let sum = changes(movement).into_values().fold(Balance::default(), Balance::plus);
                prop_assert_eq!((sum.debits, sum.pending_debits), (sum.credits, sum.pending_credits));
            }
        }

        #[test]
        fn a_hold_and_its_posting_are_as_one_posting(one in 1..1_000_000_u64, two in 1..1_000_000_u64, turned: bool) {
            let held = made([one, two], turned, true);
            let end = held.resolve(Outcome::Posted, None, NOW).unwrap();
            let whole = plus(changes(Movement::Made(&held)), &changes(Movement::Ended(&held, &end)));
            prop_assert_eq!(whole, changes(Movement::Made(&made([one, two], turned, false))));
        }

        #[test]
        fn a_part_that_is_posted_is_all_that_stays(one in 2..1_000_000_u64, two in 2..1_000_000_u64, turned: bool) {
            let (held, part) = (made([one, two], turned, true), made([one / 2, two / 2], turned, false));
            let end = held.resolve(Outcome::Posted, Some(&crate::view::entries(&part.legs)), NOW).unwrap();
            let whole = plus(changes(Movement::Made(&held)), &changes(Movement::Ended(&held, &end)));
            prop_assert_eq!(whole, changes(Movement::Made(&part)));
        }

        #[test]
        fn what_is_let_go_leaves_nothing(one in 1..1_000_000_u64, two in 1..1_000_000_u64, turned: bool) {
            let held = made([one, two], turned, true);
            let end = held.resolve(Outcome::Voided, None, NOW).unwrap();
            let whole = plus(changes(Movement::Made(&held)), &changes(Movement::Ended(&held, &end)));
            prop_assert!(whole.values().all(|change| *change == Balance::default()));
        }

        /// Nothing is taken from a guarded account unless it is there, and only what takes is asked about.
        #[test]
        fn what_takes_is_guarded(one in 1..1_000_000_u64, two in 1..1_000_000_u64, turned: bool, pending: bool) {
            let made = made([one, two], turned, pending);
            let least = |id: &str| Movement::Made(&made).effects(&accounts())[&id.parse::<AccountId>().unwrap()].least;
            let [cash, sales, owed] = ["cash", "sales", "owed"].map(least);
            prop_assert_eq!(cash, turned.then_some(one + two));
            prop_assert_eq!(owed, turned.then_some(two));
            prop_assert_eq!(sales, None);
        }
    }
}
