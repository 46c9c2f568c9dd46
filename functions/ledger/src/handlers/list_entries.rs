//! GET /accounts/{id}/entries: an account's statement, oldest first, with a running balance.

use schemars::JsonSchema;
use serde::Deserialize;
use types::Instant;
use web::{Caller, Json, PageQuery, Path, Problem, Query, State};

use crate::App;
use crate::statement::Span;
use crate::view::StatementView;

/// Which entries.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Entries of a page, 1 to 100; default 20.
    limit: Option<u16>,
    /// Where the page begins: `next_cursor` of the one before.
    cursor: Option<String>,
    /// Not before; left out, from the first.
    from: Option<Instant>,
    /// Not after; left out, until now.
    until: Option<Instant>,
}

/// One query of each shard; for the first page that has a beginning, the balance as of it too.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<StatementView>, Problem> {
    let Which { limit, cursor, from, until } = which;
    let list = format!("entries of {} {id} {from:?} {until:?}", caller.id);
    let (limit, after) = PageQuery::new(limit, cursor).read(&app.cursors, &list)?;
    let account = app.store.account(&caller.id, &id).await??;
    let span = Span { from, until: until.unwrap_or_else(|| app.clock.now()) };
    let (mut statement, next) = app.statement(&account, span, after, limit).await??;
    statement.next_cursor = next.map(|position| app.cursors.write(&list, &position));
    Ok(Json(statement))
}
