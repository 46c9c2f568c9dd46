//! GET /v4/bitlinks/{domain}/{code}/clicks/summary: how many clicks one of the caller's links had.

use schemars::JsonSchema;
use serde::Serialize;
use web::{Caller, Json, Path, Problem, Query, RequestMeta, State};

use crate::App;
use crate::bitly::{self, Unit, Window};

/// A sum of clicks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ClickSummary")]
pub struct Summary {
    /// How many units were asked for; -1 for all.
    pub units: i32,
    /// Which.
    pub unit: Unit,
    /// When the last began.
    pub unit_reference: String,
    /// People's clicks.
    pub total_clicks: u64,
}

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path((domain, code)): Path<(String, String)>,
    Query(window): Query<Window>,
) -> Result<Json<Summary>, Problem> {
    let code = app.bitly_code(&domain, &code, &meta).map_err(bitly::problem)?;
    let series = bitly::told(app.bitly_series(&code, &caller.id, &window).await)?;
    Ok(Json(Summary {
        units: series.units,
        unit: series.unit,
        unit_reference: bitly::time(series.reference),
        total_clicks: series.clicks.iter().map(|(_, clicks)| clicks).sum(),
    }))
}
