//! GET /orphans/stats: visits to the service's own domain that no link took. For operators: it tells of everybody's.

use web::{Json, Problem, State};

use crate::App;
use crate::domain::{Code, Stats};

/// One query.
pub async fn handle(State(app): State<App>) -> Result<Json<Stats>, Problem> {
    let days = app.store.orphans(&Code::of_orphans(None)).await?;
    Ok(Json(Stats::of_days(&days, app.clock.now())))
}
