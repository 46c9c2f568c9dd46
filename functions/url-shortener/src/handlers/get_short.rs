//! GET /api/{code}: one of the caller's links, under guide 000's names.

use web::{Caller, Json, Path, Problem, RequestMeta, State};

use crate::App;
use crate::domain::Code;
use crate::guides::ShortView;

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path(code): Path<String>,
) -> Result<Json<ShortView>, Problem> {
    let link = app.own_link(&Code::of_path(&code)?, &caller.id).await??;
    Ok(Json(app.short_view(link, &meta)))
}
