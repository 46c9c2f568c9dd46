//! The queue `requests`: send what other systems ask for by `NotificationRequested` on the bus.

use types::Fault;
use work::{Batch, BatchOutcome};

use crate::App;
use crate::domain::NotificationError;
use crate::events::Requested;

/// As `POST /notifications`, with the event's id as the idempotency key. What is refused is logged and left: it would
/// be refused again.
pub async fn handle(app: App, batch: Batch<Requested>) -> Result<BatchOutcome, Fault> {
    let mut failed = Vec::new();
    for message in &batch.messages {
        if !message.body.is_known() {
            aws::count("requests_refused", 1.0);
            tracing::error!(
                source = message.body.source,
                "a system's request is of a version or a tenant that is none"
            );
            continue;
        }
        let (tenant, new, once) = message.body.clone().into_request();
        match app.send(&tenant, new, Some(&once)).await {
            Ok(Ok(_)) => {}
            Ok(Err(NotificationError::Once(_))) => {
                failed.push(message.id.as_str()); // the same event is being taken beside
            }
            Ok(Err(refusal)) => {
                aws::count("requests_refused", 1.0);
                tracing::error!(source = message.body.source, id = once.key, %refusal, "a system's request is refused");
            }
            Err(fault) => {
                tracing::warn!(fault = fault.chain(), id = once.key, "a system's request comes again");
                failed.push(message.id.as_str());
            }
        }
    }
    Ok(batch.outcome(failed))
}
