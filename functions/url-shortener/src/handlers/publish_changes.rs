//! The table's stream: tell the other systems what happened to links.

use types::Fault;
use work::Change;

use crate::App;
use crate::events;

/// One call per ten events. A batch that fails half-way comes again whole; consumers deduplicate by the event's id.
pub async fn handle(app: App, changes: Vec<Change>) -> Result<(), Fault> {
    let mut events = Vec::new();
    for change in &changes {
        events.extend(events::of_change(change)?);
    }
    app.publisher().publish_all(&events).await
}
