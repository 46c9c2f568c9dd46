//! GET /domains/{domain}/stats: visits to one of the caller's domains that no link took.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::{Code, Stats};

/// One read and one query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(domain): Path<String>,
) -> Result<Json<Stats>, Problem> {
    let domain = app.own_domain(&domain, &caller.id).await??;
    let days = app.store.orphans(&Code::of_orphans(Some(&domain.domain))).await?;
    Ok(Json(Stats::of_days(&days, app.clock.now())))
}
