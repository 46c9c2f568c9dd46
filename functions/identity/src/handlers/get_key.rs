//! GET /keys/{id}: describe one of the caller's keys.

use web::{Caller, IntoResponse, Path, Problem, State};

use crate::App;
use crate::view::KeyView;

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let now = app.clock.now();
    let key = app.key_of(&caller.into(), &id, now).await?;
    Ok(web::Json(KeyView::of(key, now)))
}
