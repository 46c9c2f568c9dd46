//! PUT /users/{user}/addresses/{address}/token: give a device the token that its platform gave it anew.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Body, Caller, Json, Path, Problem, State};

use crate::App;
use crate::view::AddressView;

/// A device's token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// As APNs or FCM gave it to the app.
    token: String,
}

/// Two reads, one call to SNS, two writes; where the device was somebody else's, a read and a write more.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path((user, address)): Path<(String, String)>,
    Body(Token { token }): Body<Token>,
) -> Result<Json<AddressView>, Problem> {
    Ok(Json(app.refresh(&caller.id, &user, &address, &token).await??))
}
