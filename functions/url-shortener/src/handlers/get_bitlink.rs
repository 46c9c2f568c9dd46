//! GET /v4/bitlinks/{domain}/{code}: one of the caller's links, as Bitly shows it.

use web::{Caller, Json, Path, Problem, RequestMeta, State};

use crate::App;
use crate::bitly::{self, Bitlink};

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path((domain, code)): Path<(String, String)>,
) -> Result<Json<Bitlink>, Problem> {
    let code = app.bitly_code(&domain, &code, &meta).map_err(bitly::problem)?;
    let link = bitly::told(app.own_link(&code, &caller.id).await)?;
    Ok(Json(app.bitlink(link, &meta)))
}
