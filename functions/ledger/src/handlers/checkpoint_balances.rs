//! The table's stream: after so many changes of a balance, note what was posted to it, so that balances of the
//! past are counted from there.

use types::Fault;
use work::Change;

use crate::App;
use crate::store::Turn;

/// For each, a query for the checkpoint before, one for the entries since, and one conditional write. Twice,
/// it makes two checkpoints of the same entries, which say the same.
pub async fn handle(app: App, changes: Vec<Change>) -> Result<(), Fault> {
    let mut turns: Vec<Turn> = Vec::new();
    for change in &changes {
        let turn = change.new.as_ref().map(|new| Turn::of(change.old.as_ref(), new, app.every)).transpose()?.flatten();
        turns.extend(turn.filter(|turn| !turns.contains(turn)));
    }
    for turn in turns {
        app.store.checkpoint(&turn, app.clock.now(), app.step).await?;
    }
    Ok(())
}
