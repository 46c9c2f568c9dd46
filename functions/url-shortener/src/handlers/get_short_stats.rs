//! GET /api/{code}/stats: the clicks on one of the caller's links, under guide 000's names.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::{Code, DayStats, Stats};

/// As guide 000 has it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ShortStats")]
pub struct ShortStats {
    /// People's clicks.
    pub total_clicks: u64,
    /// By country.
    pub by_country: BTreeMap<String, u64>,
    /// By class of device.
    pub by_device: BTreeMap<String, u64>,
    /// The last 30 days, today last.
    pub time_series: Vec<DayStats>,
}

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(code): Path<String>,
) -> Result<Json<ShortStats>, Problem> {
    let now = app.clock.now();
    let (_, days) = app.own_stats(&Code::of_path(&code)?, &caller.id).await??;
    let Stats { total_clicks, by_country, by_device, by_day: time_series, .. } = Stats::of_days(&days, now);
    Ok(Json(ShortStats { total_clicks, by_country, by_device, time_series }))
}
