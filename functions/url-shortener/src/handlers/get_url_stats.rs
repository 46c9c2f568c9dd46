//! GET /urls/{code}/stats: the clicks on one of the caller's links, under guide 004's names.

use schemars::JsonSchema;
use serde::Serialize;
use types::Instant;
use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::{Code, Counts};

/// As guide 004 has it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UrlStats")]
pub struct UrlStats {
    /// People's clicks.
    pub clicks: u64,
    /// When the link was claimed.
    pub created: Instant,
}

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(code): Path<String>,
) -> Result<Json<UrlStats>, Problem> {
    let (link, days) = app.own_stats(&Code::of_path(&code)?, &caller.id).await??;
    Ok(Json(UrlStats { clicks: Counts::sum(days.values()).people(), created: link.created_at }))
}
