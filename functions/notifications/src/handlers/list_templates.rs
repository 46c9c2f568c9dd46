//! GET /templates: list the caller's templates, by id.

use schemars::JsonSchema;
use serde::Serialize;
use types::Instant;
use web::{Caller, Json, PageOf, PageQuery, Problem, Query, State};

use crate::App;

/// A template in the list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TemplateSummary {
    /// Its id.
    id: String,
    /// Its newest version.
    version: u64,
    /// When that was made.
    created_at: Instant,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<PageOf<TemplateSummary>>, Problem> {
    let list = format!("templates of {}", caller.id);
    let (limit, after) = page.read(&app.cursors, &list)?;
    let page = app.store.templates(&caller.id, limit, after).await?;
    let summary = |listed: crate::store::Listed| TemplateSummary {
        id: listed.id,
        version: listed.version,
        created_at: listed.created_at,
        description: listed.description,
    };
    Ok(Json(PageOf::new(page.items.into_iter().map(summary).collect(), page.next, &app.cursors, &list)))
}
