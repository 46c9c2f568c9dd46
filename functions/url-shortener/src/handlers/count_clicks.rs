//! The queue `clicks`: unite clicks with their minute's set.

use std::collections::BTreeMap;

use types::Fault;
use work::{Batch, BatchOutcome, Message};

use crate::App;
use crate::domain::Click;

/// One write per code and minute of the batch (and shard, where a stage has several). Delivered again, a click is
/// already in its set: the shard hangs on the click's id, and on the number of shards staying as it is.
pub async fn handle(app: App, batch: Batch<Click>) -> Result<BatchOutcome, Fault> {
    let mut groups: BTreeMap<(&str, String, u8), Vec<&Message<Click>>> = BTreeMap::new();
    for message in &batch.messages {
        let click = &message.body;
        let shard = click.id[0] % app.settings.click_shards;
        groups.entry((click.code.as_str(), click.at.minute(), shard)).or_default().push(message);
    }
    let mut failed = Vec::new();
    for ((_, _, shard), messages) in &groups {
        let clicks: Vec<&Click> = messages.iter().map(|message| &message.body).collect();
        let first = clicks[0];
        if let Err(fault) = app.store.record_clicks(&first.code, first.at, *shard, &clicks).await {
            tracing::warn!(fault = fault.chain(), code = %first.code, "clicks were not counted and come again");
            failed.extend(messages.iter().map(|message| message.id.as_str()));
        }
    }
    Ok(batch.outcome(failed))
}
