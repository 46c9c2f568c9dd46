//! GET /policies/{id}/stats: say what was checked in the last hour, and which keys asked most.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::PolicyName;
use crate::stats::Total;

/// One query, and one read to see that there is such a policy. What sandboxes counted in the last 10 s may be missing.
pub async fn handle(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Total>, Problem> {
    let (now, name) = (app.clock.now(), PolicyName::checkable(&id, &caller.id)?);
    app.store.find(&name).await??;
    let slots = app.store.counted(&name, now).await?;
    Ok(Json(Total::of(&slots, now)))
}
