//! GET and HEAD /{code}: go where the link leads. With a `+` behind the code: see where that is.

use web::{Method, Path, Problem, RequestMeta, State};

use crate::App;
use crate::follow::{Asked, Followed};

/// No read for a link this sandbox knows, one otherwise; one write where clicks are limited; one message per click.
pub async fn handle(
    State(app): State<App>,
    method: Method,
    meta: RequestMeta,
    Path(code): Path<String>,
) -> Result<Followed, Problem> {
    if let Some(code) = code.strip_suffix('+') {
        return app.preview(code, &meta).await;
    }
    app.follow(Asked { method: &method, meta: &meta, code: &code, path: "", password: None }).await
}
