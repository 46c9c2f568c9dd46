//! DELETE /notifications/{id}: take a notification back, as far as it still waits.

use web::{Caller, NoContent, Path, Problem, State};

use crate::App;
use crate::domain::NotificationError;

/// One query, one write, and one for each delivery that waits; for what waits in a digest, a read and a transaction.
/// What a worker is sending at this moment is sent. Of one to many, who has a notification by now keeps it, and some 25
/// of each shard at work may still get theirs.
pub async fn handle(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<NoContent, Problem> {
    match app.store.cancel(&caller.id, &id, app.clock.now()).await?? {
        false => Err(NotificationError::TooLate.into()),
        true => Ok(NoContent),
    }
}
