//! GET /accounts: list the caller's accounts, by id.

use web::{Caller, Json, PageOf, PageQuery, Problem, Query, State};

use crate::App;
use crate::view::AccountView;

/// One query. An account by itself is shown with its balance.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<PageOf<AccountView>>, Problem> {
    let list = format!("accounts of {}", caller.id);
    let (limit, after) = page.read(&app.cursors, &list)?;
    let page = app.store.list_accounts(&caller.id, limit, after).await?;
    Ok(Json(PageOf::new(page.items.into_iter().map(AccountView::from).collect(), page.next, &app.cursors, &list)))
}
