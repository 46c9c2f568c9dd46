//! PATCH /links/{code}: change one of the caller's links (RFC 7396: what is absent stays, null clears).

use web::{Body, Caller, Json, Path, Problem, Query, RequestMeta, State};

use crate::App;
use crate::requests::{LinkChanges, OfDomain};
use crate::view::LinkView;

/// One conditional write. Other sandboxes see the link as it was for at most another minute.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path(code): Path<String>,
    Query(of): Query<OfDomain>,
    Body(changes): Body<LinkChanges>,
) -> Result<Json<LinkView>, Problem> {
    let code = app.code_of(&code, of.domain.as_deref())?;
    let now = app.clock.now();
    let edit = app.read_changes(changes, &meta, now)?;
    let link = app.store.edit(&code, &caller.id, &edit, now).await??;
    Ok(Json(app.view(link, &meta)))
}
