//! GET and HEAD /{code}/{rest+}: go where a link leads that takes what follows its code along.

use web::{Method, Path, Problem, RequestMeta, State};

use crate::App;
use crate::follow::{Asked, Followed};

/// As `follow_link`.
pub async fn handle(
    State(app): State<App>,
    method: Method,
    meta: RequestMeta,
    Path((code, rest)): Path<(String, String)>,
) -> Result<Followed, Problem> {
    app.follow(Asked { method: &method, meta: &meta, code: &code, path: &rest, password: None }).await
}
