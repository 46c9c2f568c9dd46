//! GET /domains: the names of the caller's domains, in alphabetical order.

use schemars::JsonSchema;
use serde::Serialize;
use web::{Caller, Json, PageOf, PageQuery, Problem, Query, State};

use crate::App;

/// A domain in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Listed {
    /// Its name.
    pub domain: String,
}

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageOf<Listed>>, Problem> {
    let list = format!("domains of {}", caller.id);
    let (limit, after) = query.read(&app.cursors, &list)?;
    let (names, next) = app.store.domains(&caller.id, limit, after).await?;
    let items = names.iter().map(|name| Listed { domain: name.to_string() }).collect();
    Ok(Json(PageOf::new(items, next, &app.cursors, &list)))
}
