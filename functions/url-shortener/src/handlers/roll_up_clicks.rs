//! The table's stream: carry a changed minute into its hour, an hour into its day, a day into its month.

use std::collections::BTreeMap;

use types::Fault;
use work::Change;

use crate::App;
use crate::domain::Counts;
use crate::store::{Slot, rolled_up};

/// One write per changed minute, hour or day of the batch, and no read: the stream carries the whole image. A sum that
/// cannot be written does not keep the others back.
pub async fn handle(app: App, changes: Vec<Change>) -> Result<(), Fault> {
    let mut sums: BTreeMap<(String, Slot), Counts> = BTreeMap::new();
    for change in changes {
        let Some(item) = change.new else { continue };
        if let Some((partition, slot, counts)) = rolled_up(item)? {
            // Of several images of one item only the fullest counts, in whatever order they come.
            let sum = sums.entry((partition, slot)).or_default();
            if sum.clicks < counts.clicks {
                *sum = counts;
            }
        }
    }
    let mut outcome = Ok(());
    for ((partition, slot), counts) in &sums {
        outcome = outcome.and(app.store.roll_up(partition, slot, counts).await);
    }
    outcome
}
