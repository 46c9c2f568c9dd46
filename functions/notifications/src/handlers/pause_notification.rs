//! POST /notifications/{id}/pause: stop the expansion of what is to many, until it is resumed.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::view::FanOutView;

/// One query and one write. Who has a notification by now keeps it; some 25 of each shard at work may still get theirs.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<FanOutView>, Problem> {
    let (fan_out, shards) = app.store.pause(&caller.id, &id).await??;
    Ok(Json(FanOutView::of(fan_out, &shards)))
}
