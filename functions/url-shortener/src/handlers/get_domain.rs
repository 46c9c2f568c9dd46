//! GET /domains/{domain}: one of the caller's domains.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::view::DomainView;

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(domain): Path<String>,
) -> Result<Json<DomainView>, Problem> {
    Ok(Json(app.own_domain(&domain, &caller.id).await??.into()))
}
