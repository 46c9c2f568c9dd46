//! Types and rules: no AWS, HTTP, clock, randomness or environment. Time, ids and chance are arguments.

mod account;
mod balance;
mod entry;
mod journal;
mod refusal;
mod transaction;
mod transaction_id;

pub use account::{Account, AccountId, AccountType, NewAccount, Side};
pub use balance::{Balance, Checkpoint, Effect, Movement};
pub use entry::{Entry, Leg, MOST_ENTRIES, are_same};
pub use journal::{Format, Journal, write_accounts, write_transaction};
pub use refusal::LedgerError;
pub use transaction::{NewTransaction, Outcome, Resolution, State, Transaction};
pub use transaction_id::TransactionId;
