//! The queues `deliveries`: send what is due, each to one address, by its provider.

use futures_util::future::join_all;
use types::Fault;
use work::{Batch, BatchOutcome};

use crate::App;
use crate::domain::Errand;

/// A read, two writes beside each other, the provider, and a write for each delivery; those of a batch at once.
/// Delivered again, a delivery is found done, or leased by whoever has it.
pub async fn handle(app: App, batch: Batch<Errand>) -> Result<BatchOutcome, Fault> {
    let delivered = join_all(batch.messages.iter().map(|message| app.deliver(&message.body))).await;
    let failed = batch.messages.iter().zip(delivered).filter_map(|(message, outcome)| {
        let fault = outcome.err()?;
        tracing::warn!(fault = fault.chain(), notification = message.body.notification, "a delivery comes again");
        Some(message.id.as_str())
    });
    Ok(batch.outcome(failed.collect::<Vec<_>>()))
}
