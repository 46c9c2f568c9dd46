//! DynamoDB as the systems use it: one table, typed items, conditions that become refusals where they fail,
//! transactions that say which of their writes was refused, and pages. Every read compares time itself; nothing here
//! scans.

mod batch;
mod condition;
mod counter;
mod delete;
mod item;
mod lease;
mod once;
mod page;
mod sending;
mod size;
mod table;
mod transaction;
mod update;
mod update_all;

pub use condition::{Condition, below, contains, eq, exists, fewer, gt, le, lt, missing, ne};
pub use counter::Counter;
pub use delete::Delete;
pub use item::{Attributes, Item, Key, Value, attributes, from_attributes, number};
pub use lease::{Acquire, Held, Lease, Lost};
pub use page::{Page, Position, Query};
pub use size::{bytes, write_units};
pub use table::{Consistency, Put, Table};
pub use transaction::{Done, Transaction};
pub use update::{Update, UpdateExpression};
pub use update_all::AllRefused;
