//! POST /{code}: go where a link leads that opens with a password.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Form, Method, Path, Problem, RequestMeta, State, Units};

use crate::App;
use crate::follow::{Asked, Followed};

/// A form, or JSON.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The link's password.
    password: String,
}

/// As `follow_link`. A password is judged, which costs some 20 ms of a core, only where there is a try left.
pub async fn handle(
    State(app): State<App>,
    method: Method,
    meta: RequestMeta,
    tries: Units,
    Path(code): Path<String>,
    Form(opening): Form<Opening>,
) -> Result<Followed, Problem> {
    let password = Some((opening.password.as_str(), &tries));
    app.follow(Asked { method: &method, meta: &meta, code: &code, path: "", password }).await
}
