//! Work that nobody waits for: queue batches, table changes, schedules. Everything is delivered at least once and in
//! any order, so every worker is idempotent; a batch says which of its parts failed and only those come again.

mod publish;
mod queue;
mod stream;

pub use publish::{Event, Publisher};
pub use queue::{Batch, BatchOutcome, Message, Queue};
pub use stream::{Change, Changes, Kind};
