//! The table's stream: put normal and low deliveries that were just made into their queues, tell who looks at an inbox
//! what changed of it, and count what TTL removed from it no more.

use types::Fault;
use work::{Change, Priority};

use crate::App;

/// One call for ten deliveries; one query for each inbox, and one call for each connection to it and change; a
/// transaction for each item that nobody had read in its month. (Two readers of a shard of a stream are what DynamoDB
/// advises, so this one does all three.)
pub async fn handle(app: App, changes: Vec<Change>) -> Result<(), Fault> {
    app.forward(&changes, &[Priority::Normal, Priority::Low]).await?;
    app.uncount_forgotten(&changes).await?;
    app.tell_live(&changes).await;
    Ok(())
}
