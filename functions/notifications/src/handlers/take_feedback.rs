//! The queue `feedback`: note what SES and SNS tell of mails and devices.

use types::Fault;
use work::{Batch, BatchOutcome};

use crate::App;
use crate::feedback::Envelope;

/// One conditional write for an event, for a bounce or a complaint two reads and two writes more. Told again, or in
/// another order, it leaves the same.
pub async fn handle(app: App, batch: Batch<Envelope>) -> Result<BatchOutcome, Fault> {
    let mut failed = Vec::new();
    for message in &batch.messages {
        if let Err(fault) = app.take_feedback(&message.body).await {
            tracing::warn!(fault = fault.chain(), "an event of a provider comes again");
            failed.push(message.id.as_str());
        }
    }
    Ok(batch.outcome(failed))
}
