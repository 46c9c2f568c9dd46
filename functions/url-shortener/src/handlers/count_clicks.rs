//! The queue `clicks`: unite clicks with their minute's set.

use std::collections::BTreeMap;

use types::Fault;
use work::{Batch, BatchOutcome, Message};

use crate::App;
use crate::domain::Click;

/// One write per code and minute of the batch. Delivered again, a click is already in its set.
pub async fn handle(app: App, batch: Batch<Click>) -> Result<BatchOutcome, Fault> {
    let mut groups: BTreeMap<(&str, String), Vec<&Message<Click>>> = BTreeMap::new();
    for message in &batch.messages {
        groups.entry((message.body.code.as_str(), message.body.at.minute())).or_default().push(message);
    }
    let mut failed = Vec::new();
    for messages in groups.values() {
        let clicks: Vec<&Click> = messages.iter().map(|message| &message.body).collect();
        let first = clicks[0];
        if let Err(fault) = app.store.record_clicks(&first.code, first.at, &clicks).await {
            tracing::warn!(fault = fault.chain(), code = %first.code, "clicks were not counted and come again");
            failed.extend(messages.iter().map(|message| message.id.as_str()));
        }
    }
    Ok(batch.outcome(failed))
}
