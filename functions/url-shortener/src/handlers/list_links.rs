//! GET /links: the caller's links, newest first.

use web::{Caller, Json, PageOf, PageQuery, Problem, Query, RequestMeta, State};

use crate::App;
use crate::view::LinkView;

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageOf<LinkView>>, Problem> {
    let list = format!("links of {}", caller.id);
    let (limit, after) = query.read(&app.cursors, &list)?;
    let page = app.store.list(&caller.id, limit, after).await?;
    let known = page.items.into_iter().filter_map(|link| link.of(&caller.id, app.clock.now()).ok());
    let items = known.map(|link| app.view(link, &meta)).collect();
    Ok(Json(PageOf::new(items, page.next, &app.cursors, &list)))
}
