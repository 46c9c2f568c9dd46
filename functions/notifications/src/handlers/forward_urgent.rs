//! The table's stream: put critical and high deliveries that were just made into their queues.

use types::Fault;
use work::{Change, Priority};

use crate::App;

/// One call for ten. It has a reader of the stream to itself, so that no low delivery is ahead of a high one.
pub async fn handle(app: App, changes: Vec<Change>) -> Result<(), Fault> {
    app.forward(&changes, &[Priority::Critical, Priority::High]).await
}
