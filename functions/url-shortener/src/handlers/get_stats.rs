//! GET /links/{code}/stats: the clicks on one of the caller's links.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::{Code, LinkError, Stats};

/// One query. Clicks arrive here seconds after they happen.
pub async fn handle(State(app): State<App>, caller: Caller, Path(code): Path<String>) -> Result<Json<Stats>, Problem> {
    let code = Code::of_path(&code)?;
    let now = app.clock.now();
    let (link, days) = app.store.stats(&code).await?.ok_or(LinkError::NotFound)?;
    link.of(&caller.id, now)?;
    Ok(Json(Stats::of_days(&days, now.day())))
}
