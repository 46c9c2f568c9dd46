//! The queue `claims`: make the links that the table did not take when they were asked for.

use types::Fault;
use web::Problem;
use work::{Batch, BatchOutcome};

use crate::App;
use crate::claims::{Claimed, QueuedClaim};

/// One transaction for a link. Delivered again, its record says that it was made; a refusal is noted for whoever asks.
pub async fn handle(app: App, batch: Batch<QueuedClaim>) -> Result<BatchOutcome, Fault> {
    let mut failed = Vec::new();
    for message in &batch.messages {
        if let Err(fault) = claim(&app, &message.body).await {
            tracing::warn!(fault = fault.chain(), code = %message.body.link.code, "a queued link comes again");
            failed.push(message.id.as_str());
        }
    }
    Ok(batch.outcome(failed))
}

async fn claim(app: &App, queued: &QueuedClaim) -> Result<(), Fault> {
    let (now, once) = (app.clock.now(), queued.once());
    let claimed = app.claim_link(queued.link.clone(), queued.chosen, queued.dedupe, Some(&once), now).await?;
    let refusal = match claimed {
        // The caller's link to the URL was there by now; the request's record is still to be written.
        Ok(Claimed::Known(link)) => match app.store.remember(once.clone(), link, now).await? {
            Ok(_) => return Ok(()),
            Err(refusal) => refusal,
        },
        Ok(_) => return Ok(()),
        Err(refusal) => refusal,
    };
    let document = Problem::from(refusal).document();
    let problem = document.get("type").and_then(|kind| kind.as_str()).unwrap_or_default();
    app.store.note_refusal(&queued.link.owner, &once, problem, now).await
}
