//! The table's stream: put normal and low deliveries that were just made into their queues, and tell who looks at an
//! inbox what changed of it.

use types::Fault;
use work::{Change, Priority};

use crate::App;

/// One call for ten deliveries; one query for each inbox, and one call for each connection to it and change. (Two
/// readers of a shard of a stream are what DynamoDB advises, so this one does both.)
pub async fn handle(app: App, changes: Vec<Change>) -> Result<(), Fault> {
    app.forward(&changes, &[Priority::Normal, Priority::Low]).await?;
    app.tell_live(&changes).await;
    Ok(())
}
