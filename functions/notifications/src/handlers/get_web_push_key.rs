//! GET /web-push/key: the public key that a browser subscribes with (`applicationServerKey`, RFC 8292).

use schemars::JsonSchema;
use serde::Serialize;
use web::{Json, Problem, State};

use crate::App;

/// The stage's key. Whoever replaces the stack's secret ends all subscriptions.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WebPushKey {
    /// A point of P-256 as base64url.
    public_key: String,
}

/// No call to AWS.
pub async fn handle(State(app): State<App>) -> Result<Json<WebPushKey>, Problem> {
    Ok(Json(WebPushKey { public_key: app.providers.vapid_key() }))
}
