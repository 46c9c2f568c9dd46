//! GET /notifications/{id}: show a notification and what became of it at each address, or of how many users.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::view::FoundView;

/// One strongly consistent query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<FoundView>, Problem> {
    Ok(Json(app.store.look(&caller.id, &id).await??.into()))
}
