//! GET /links/{code}: one of the caller's links.

use web::{Caller, Json, Path, Problem, Query, RequestMeta, State};

use crate::App;
use crate::requests::OfDomain;
use crate::view::LinkView;

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path(code): Path<String>,
    Query(of): Query<OfDomain>,
) -> Result<Json<LinkView>, Problem> {
    let link = app.own_link(&app.code_of(&code, of.domain.as_deref())?, &caller.id).await??;
    Ok(Json(app.view(link, &meta)))
}
