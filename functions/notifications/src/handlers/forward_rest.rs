//! The table's stream: put normal and low deliveries that were just made into their queues.

use types::Fault;
use work::{Change, Priority};

use crate::App;

/// One call for ten.
pub async fn handle(app: App, changes: Vec<Change>) -> Result<(), Fault> {
    app.forward(&changes, &[Priority::Normal, Priority::Low]).await
}
