//! The queue `expiries`: void pending transactions whose time is over.

use types::Fault;
use work::{Batch, BatchOutcome};

use crate::App;
use crate::store::Hold;

/// One query and one transaction for each. Twice, it finds the first one's end.
pub async fn handle(app: App, batch: Batch<Hold>) -> Result<BatchOutcome, Fault> {
    let mut failed = Vec::new();
    for message in &batch.messages {
        if let Err(fault) = app.expire(&message.body).await {
            tracing::warn!(fault = fault.chain(), id = message.body.id, "a hold expires later");
            failed.push(message.id.as_str());
        }
    }
    Ok(batch.outcome(failed))
}
