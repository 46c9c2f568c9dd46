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
    let taken = app.publisher().publish(&events).await?;
    if taken < events.len() {
        return Err(Fault::transient(format!("the bus took {taken} of {} events", events.len())));
    }
    Ok(())
}
