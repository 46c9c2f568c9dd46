//! The queue `claims`: make the links that the table did not take when they were asked for.

use types::{Fault, Instant, Once, OnceRefusal};
use web::Problem;
use work::{Batch, BatchOutcome};

use crate::App;
use crate::claims::{Claimed, QueuedClaim};
use crate::domain::LinkError;

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
    let taken_away = match queued.link.code.domain() {
        Some(domain) => app.own_domain(domain, &queued.link.owner).await?.err(),
        None => None,
    };
    // What ended while it waited would be told of by nobody: its hour may be swept already.
    let ended = queued.link.expires_at.is_some_and(|at| at <= now).then_some(LinkError::Expiry);
    if let Some(refusal) = taken_away.or(ended) {
        return note(app, queued, &once, refusal, now).await;
    }
    let link = queued.link.clone().stored_at(now);
    let claimed = app.claim_link(link, queued.chosen, queued.dedupe, Some(&once), now).await?;
    let refusal = match claimed {
        // The caller's link to the URL was there by now; the request's record is still to be written.
        Ok(Claimed::Known(link)) => match app.store.remember(once.clone(), link, now).await? {
            Ok(_) => return Ok(()),
            Err(refusal) => refusal,
        },
        Ok(_) => return Ok(()),
        // The same request is being carried out beside: ask again.
        Err(LinkError::Once(OnceRefusal::InProgress)) => return Err(Fault::transient("the request is under way")),
        Err(refusal) => refusal,
    };
    note(app, queued, &once, refusal, now).await
}

async fn note(app: &App, queued: &QueuedClaim, once: &Once, refusal: LinkError, now: Instant) -> Result<(), Fault> {
    let document = Problem::from(refusal).document();
    let problem = document.get("type").and_then(|kind| kind.as_str()).unwrap_or_default();
    app.store.note_refusal(&queued.link.owner, once, problem, now).await
}
