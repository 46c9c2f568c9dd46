//! GET /templates/{id}: show a template, its newest version or another.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Caller, Path, Problem, Query, State};

use crate::App;
use crate::view::Tagged;

/// Which version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// 1, 2, …; left out, the newest.
    version: Option<u64>,
}

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(Which { version }): Query<Which>,
) -> Result<Tagged, Problem> {
    let stored = match version {
        None => app.store.template(&caller.id, &id).await??,
        Some(version) => app.store.template_version(&caller.id, &id, version).await??,
    };
    Ok(Tagged::of(stored, false))
}
