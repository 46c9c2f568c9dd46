//! GET /keys/{id}: describe one of the caller's keys.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::view::KeyView;

/// One strongly consistent read.
pub async fn handle(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<KeyView>, Problem> {
    let now = app.clock.now();
    let key = app.key_of(&caller.into(), &id, now).await?;
    Ok(Json(KeyView::of(key, now)))
}
