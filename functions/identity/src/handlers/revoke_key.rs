//! DELETE /keys/{id}: revoke one of the caller's keys. Sandboxes that saw it lately take it for at most another minute.

use web::{Caller, NoContent, Path, Problem, State};

use crate::App;

/// One read, to see whose it is, and one conditional write.
pub async fn handle(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<NoContent, Problem> {
    let now = app.clock.now();
    let key = app.key_of(&caller.into(), &id, now).await?;
    app.store.revoke(key, now).await?;
    Ok(NoContent)
}
