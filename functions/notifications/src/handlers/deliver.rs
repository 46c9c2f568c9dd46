//! The queues `deliveries`: send what is due, each to one address, by its provider; make digests that are due.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use types::Fault;
use work::{Batch, BatchOutcome};

use crate::App;
use crate::domain::Task;

/// A read, two writes beside each other, the provider, and a write for each delivery; those of a batch at once.
/// Delivered again, a delivery is found done; one that another worker has comes again. A delivery that waits for a
/// digest is a read and a transaction of four or five writes; a digest is a write, three reads and the transaction of
/// its notification.
pub async fn handle(app: App, batch: Batch<Task>) -> Result<BatchOutcome, Fault> {
    // Twice in a batch, the two would meet.
    let mut tasks: BTreeMap<&Task, Vec<&str>> = BTreeMap::new();
    for message in &batch.messages {
        tasks.entry(&message.body).or_default().push(&message.id);
    }
    let done = join_all(tasks.keys().map(|task| app.do_task(task))).await;
    let mut failed = Vec::new();
    for ((task, ids), outcome) in tasks.iter().zip(done) {
        if let Err(fault) = outcome {
            tracing::warn!(fault = fault.chain(), of = task.name(), "a delivery comes again");
            failed.extend(ids);
        }
    }
    Ok(batch.outcome(failed))
}
