//! GET /keys: the caller's keys, newest first.

use web::{Caller, Json, PageOf, PageQuery, Problem, Query, State};

use crate::App;
use crate::view::KeyView;

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageOf<KeyView>>, Problem> {
    let list = format!("keys of {}", caller.id);
    let (limit, after) = query.read(&app.cursors, &list)?;
    let page = app.store.list(&caller.id, limit, after).await?;
    let now = app.clock.now();
    let caller = caller.into();
    let known = page.items.into_iter().filter_map(|key| key.of(&caller, now).ok());
    let items = known.map(|key| KeyView::of(key, now)).collect();
    Ok(Json(PageOf::new(items, page.next, &app.cursors, &list)))
}
