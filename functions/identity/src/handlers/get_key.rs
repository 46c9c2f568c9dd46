//! GET /keys/{id}: describe one of the caller's keys.

use web::{Caller, IntoResponse, Path, Problem, State};

use crate::App;
use crate::domain::{Credential, KeyError};
use crate::view::KeyView;

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let now = app.clock.now();
    let key = app.store.find(Credential::id_of_path(&id)?).await?.ok_or(KeyError::NotFound)?.of(&caller.into(), now)?;
    Ok(web::Json(KeyView::of(key, now)))
}
