//! POST /{code}: go where a link leads that opens with a password.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Form, Method, Path, Problem, RequestMeta, State};

use crate::App;
use crate::follow::{Asked, Followed};

/// A form, or JSON.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The link's password.
    password: String,
}

/// As `follow_link`, behind the limit of tries: a password is judged only where there is one left, which costs some
/// 20 ms of a core.
pub async fn handle(
    State(app): State<App>,
    method: Method,
    meta: RequestMeta,
    Path(code): Path<String>,
    Form(opening): Form<Opening>,
) -> Result<Followed, Problem> {
    let password = Some(opening.password.as_str());
    app.follow(Asked { method: &method, meta: &meta, code: &code, path: "", password }).await
}
