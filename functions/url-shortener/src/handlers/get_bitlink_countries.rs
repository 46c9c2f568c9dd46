//! GET /v4/bitlinks/{domain}/{code}/countries: the clicks on one of the caller's links by country.

use web::{Caller, Json, Path, Problem, Query, RequestMeta, State};

use crate::App;
use crate::bitly::{self, Metrics, Window};

/// One query. Days that the units touch count whole.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path((domain, code)): Path<(String, String)>,
    Query(window): Query<Window>,
) -> Result<Json<Metrics>, Problem> {
    let code = app.bitly_code(&domain, &code, &meta).map_err(bitly::problem)?;
    let series = bitly::told(app.bitly_series(&code, &caller.id, &window).await)?;
    Ok(Json(Metrics::of("countries", &series, &series.sum.countries, &window)))
}
