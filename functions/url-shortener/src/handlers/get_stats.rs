//! GET /links/{code}/stats: the clicks on one of the caller's links; its days as CSV.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Caller, Path, Problem, Query, State};

use crate::App;
use crate::answers::Sheet;
use crate::domain::{DayStats, Stats};
use crate::requests::Format;
use crate::tables;

/// Of which link, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The link's domain, where it is not the service's own.
    domain: Option<String>,
    /// `json` (default), or `csv`: a row for each day with clicks.
    #[serde(default)]
    format: Format,
}

/// One query. Clicks arrive here seconds after they happen.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(code): Path<String>,
    Query(which): Query<Which>,
) -> Result<Sheet<Stats>, Problem> {
    let code = app.code_of(&code, which.domain.as_deref())?;
    let now = app.clock.now();
    let (_, days) = app.own_stats(&code, &caller.id).await??;
    Ok(match which.format {
        Format::Json => Sheet::Json(Stats::of_days(&days, now)),
        Format::Csv => {
            let rows: Vec<DayStats> = days.iter().map(|(date, counts)| DayStats::new(date, counts)).collect();
            Sheet::Csv(tables::days(&rows)?, None)
        }
    })
}
