//! GET /links/{code}: one of the caller's links.

use web::{Caller, Json, Path, Problem, RequestMeta, State};

use crate::App;
use crate::domain::{Code, LinkError};
use crate::view::LinkView;

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path(code): Path<String>,
) -> Result<Json<LinkView>, Problem> {
    let code = Code::of_path(&code)?;
    let link = app.store.find_now(&code).await?.ok_or(LinkError::NotFound)?;
    let link = link.of(&caller.id, app.clock.now())?;
    Ok(Json(app.view(link, &meta)))
}
