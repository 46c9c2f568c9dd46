//! GET /users/{user}/inbox: list what is in a user's inbox, newest first.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Caller, Json, PageOf, PageQuery, Path, Problem, Query, State};

use crate::App;
use crate::domain::notification;
use crate::view::InboxItemView;

/// Which items, and how many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Items of a page, 1 to 100; default 20.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only what is not read. It is looked for in the page, which may hold fewer than its limit then.
    #[serde(default)]
    unread: bool,
    /// What was archived or is snoozed, too.
    #[serde(default)]
    all: bool,
}

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<PageOf<InboxItemView>>, Problem> {
    let (user, now) = (notification::user(&user)?, app.clock.now());
    let list = format!("inbox of {} of {}", user, caller.id);
    let (limit, after) = PageQuery::new(which.limit, which.cursor).read(&app.cursors, &list)?;
    let page = app.store.inbox(&caller.id, &user, limit, after).await?;
    let items = page.items.into_iter();
    let items = items.filter(|item| (which.all || item.is_shown(now)) && !(which.unread && item.read_at.is_some()));
    Ok(Json(PageOf::new(items.map(InboxItemView::from).collect(), page.next, &app.cursors, &list)))
}
