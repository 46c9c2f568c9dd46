//! POST /notifications/{id}/resume: go on with what was paused.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::view::FanOutView;

/// One query and one transaction, by which the workers hear of it.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<FanOutView>, Problem> {
    let (fan_out, shards) = app.store.resume(&caller.id, &id, app.clock.now()).await??;
    Ok(Json(FanOutView::of(fan_out, &shards)))
}
