//! GET /v4/bitlinks/{domain}/{code}/clicks: the clicks on one of the caller's links by unit, newest first.

use schemars::JsonSchema;
use serde::Serialize;
use web::{Caller, Json, Path, Problem, Query, RequestMeta, State};

use crate::App;
use crate::bitly::{self, Unit, Window};

/// Clicks by unit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Clicks {
    /// How many units were asked for; -1 for all.
    pub units: i32,
    /// Which.
    pub unit: Unit,
    /// When the last began.
    pub unit_reference: String,
    /// Newest first.
    pub link_clicks: Vec<UnitClicks>,
}

/// One unit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnitClicks {
    /// When it began.
    pub date: String,
    /// People's clicks.
    pub clicks: u64,
}

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path((domain, code)): Path<(String, String)>,
    Query(window): Query<Window>,
) -> Result<Json<Clicks>, Problem> {
    let code = app.bitly_code(&domain, &code, &meta).map_err(bitly::problem)?;
    let series = bitly::told(app.bitly_series(&code, &caller.id, &window).await)?;
    let link_clicks = series.clicks.iter().map(|(at, clicks)| UnitClicks { date: bitly::time(*at), clicks: *clicks });
    Ok(Json(Clicks {
        units: series.units,
        unit: series.unit,
        unit_reference: bitly::time(series.reference),
        link_clicks: link_clicks.collect(),
    }))
}
