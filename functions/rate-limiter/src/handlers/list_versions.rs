//! GET /policies/{id}/versions: list a policy's versions, newest first, also of one that was deleted.

use web::{Caller, Json, PageOf, PageQuery, Path, Problem, Query, State};

use crate::App;
use crate::domain::{LimitError, PolicyName};
use crate::view::PolicyView;

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageOf<PolicyView>>, Problem> {
    let name = PolicyName::parse(&id, &caller.id, caller.may("admin"))?;
    let list = format!("versions of {} {}", name.space, name.id);
    let (limit, after) = query.read(&app.signing, &list)?;
    let first = after.is_none();
    let page = app.store.versions(&name, limit, after).await?;
    if first && page.items.is_empty() {
        return Err(LimitError::NotFound.into());
    }
    let items = page.items.into_iter().map(|version| PolicyView::of(&id, version.0)).collect();
    Ok(Json(PageOf::new(items, page.next, &app.signing, &list)))
}
