//! The queue `fanout`: give the users of a page of a fan-out a notification of their own.

use futures_util::future::join_all;
use types::Fault;
use work::{Batch, BatchOutcome};

use crate::App;
use crate::domain::fan_out::Step;

/// A read, a query of subscribers, and for each user a query and a transaction, 25 at once; then one write that counts
/// them. Delivered again, a page is found done, or what was made of it is.
pub async fn handle(app: App, batch: Batch<Step>) -> Result<BatchOutcome, Fault> {
    let expanded = join_all(batch.messages.iter().map(|message| app.expand(&message.body))).await;
    let failed = batch.messages.iter().zip(expanded).filter_map(|(message, outcome)| {
        let fault = outcome.err()?;
        tracing::warn!(fault = fault.chain(), fan_out = message.body.fan_out, "a page of a fan-out comes again");
        Some(message.id.as_str())
    });
    Ok(batch.outcome(failed.collect::<Vec<_>>()))
}
