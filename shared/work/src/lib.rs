//! Work that nobody waits for: queue batches, table changes, schedules. Everything is delivered at least once and in
//! any order, so every worker is idempotent; a batch says which of its parts failed and only those come again.

mod due;
mod logs;
mod objects;
mod priority;
mod publish;
mod queue;
mod send;
mod stream;

pub use due::{CLAIM, Cancelled, Claim, DueBuckets, DueItem, SETTLED, Swept, Ticket};
pub use logs::{LogEvent, LogEvents};
pub use objects::{ObjectChange, ObjectEvent, ObjectEvents};
pub use priority::PriorityQueue;
pub use publish::{Event, Publisher};
pub use queue::{Batch, BatchOutcome, Message};
pub use send::{LONGEST_DELAY, NotSent, Outgoing, Queue};
pub use stream::{Change, Changes, Kind};
pub use types::Priority;
