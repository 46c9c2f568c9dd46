//! The queues `deliveries`: send what is due, each to one address, by its provider.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use types::Fault;
use work::{Batch, BatchOutcome};

use crate::App;
use crate::domain::Errand;

/// A read, two writes beside each other, the provider, and a write for each delivery; those of a batch at once.
/// Delivered again, a delivery is found done; one that another worker has comes again.
pub async fn handle(app: App, batch: Batch<Errand>) -> Result<BatchOutcome, Fault> {
    // Twice in a batch, the two would meet.
    let mut errands: BTreeMap<&Errand, Vec<&str>> = BTreeMap::new();
    for message in &batch.messages {
        errands.entry(&message.body).or_default().push(&message.id);
    }
    let delivered = join_all(errands.keys().map(|errand| app.deliver(errand))).await;
    let mut failed = Vec::new();
    for ((errand, ids), outcome) in errands.iter().zip(delivered) {
        if let Err(fault) = outcome {
            tracing::warn!(fault = fault.chain(), notification = errand.notification, "a delivery comes again");
            failed.extend(ids);
        }
    }
    Ok(batch.outcome(failed))
}
