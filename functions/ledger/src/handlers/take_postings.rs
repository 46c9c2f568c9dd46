//! The queue `postings`: post what other systems ask for by `LedgerPostingRequested` on the bus.

use types::Fault;
use work::{Batch, BatchOutcome};

use crate::App;
use crate::events::Requested;

/// As `POST /transactions`, behind accounts that are opened where they are not there. What is refused comes again a few
/// times and is then set aside for a person: it is money that the books lack.
pub async fn handle(app: App, batch: Batch<Requested>) -> Result<BatchOutcome, Fault> {
    let mut failed = Vec::new();
    for message in &batch.messages {
        let Requested { source, detail } = &message.body;
        let taken = match detail.is_known() {
            true => app.take(detail).await.map(|taken| taken.err().map(|refusal| refusal.to_string())),
            false => Ok(Some("it is of a version or a tenant that is none".to_owned())),
        };
        match taken {
            Ok(None) => continue,
            Ok(Some(refusal)) => {
                aws::count("postings_refused", 1.0);
                tracing::error!(source, id = detail.id, refusal, "a system's posting is refused");
            }
            Err(fault) => tracing::warn!(fault = fault.chain(), id = detail.id, "a system's posting comes again"),
        }
        failed.push(message.id.as_str());
    }
    Ok(batch.outcome(failed))
}
