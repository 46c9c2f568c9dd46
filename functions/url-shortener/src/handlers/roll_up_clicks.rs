//! The table's stream: carry a changed minute into its hour, and a changed hour into its day.

use std::collections::BTreeMap;

use types::Fault;
use work::Change;

use crate::App;
use crate::domain::Counts;
use crate::store::{Slot, rolled_up};

/// One write per changed minute or hour of the batch, and no read: the stream carries the whole set.
pub async fn handle(app: App, changes: Vec<Change>) -> Result<(), Fault> {
    let mut sums: BTreeMap<(String, Slot), Counts> = BTreeMap::new();
    for change in changes {
        let Some(item) = change.new else { continue };
        if let Some((partition, slot, counts)) = rolled_up(item)? {
            sums.insert((partition, slot), counts); // the later image is the fuller one
        }
    }
    for ((partition, slot), counts) in &sums {
        app.store.roll_up(partition, slot, counts).await?;
    }
    Ok(())
}
