//! POST /users/{user}/inbox/token: let a user's browser connect to the inbox, by a token of five minutes.

use schemars::JsonSchema;
use serde::Serialize;
use types::Instant;
use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::notification;

/// What a browser opens the WebSocket with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InboxToken {
    /// The parameter `inbox_token` of the WebSocket's URL.
    token: String,
    /// Until when it opens one.
    expires_at: Instant,
}

/// No call to AWS.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<InboxToken>, Problem> {
    let user = notification::user(&user)?;
    let (token, expires_at) = app.links.connect(&caller.id, &user, app.clock.now());
    Ok(Json(InboxToken { token, expires_at }))
}
