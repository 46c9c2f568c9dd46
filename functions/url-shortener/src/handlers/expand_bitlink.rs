//! POST /v4/expand: Bitly's way to ask where a link leads. It tells it to every caller, as following the link would.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::{Body, Json, Problem, RequestMeta, State};

use crate::App;
use crate::bitly;
use crate::domain::LinkError;

/// What Bitly's clients send.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Request {
    /// `s.example/cat`
    bitlink_id: String,
}

/// Where a link leads.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Expanded {
    /// `s.example/cat`
    pub id: String,
    /// `https://s.example/cat`
    pub link: String,
    /// Where it leads.
    pub long_url: String,
    /// When it was made.
    pub created_at: String,
}

/// One read. What a password or a number of clicks guards is not told.
pub async fn handle(
    State(app): State<App>,
    meta: RequestMeta,
    Body(request): Body<Request>,
) -> Result<Json<Expanded>, Problem> {
    let refused = |refusal| Err(bitly::problem(refusal));
    let Some((domain, name)) = request.bitlink_id.rsplit_once('/') else { return refused(LinkError::NotFound) };
    let code = app.bitly_code(domain, name, &meta).map_err(bitly::problem)?;
    let Some(link) = app.store.find(&code).await? else { return refused(LinkError::NotFound) };
    if link.password.is_some() {
        return refused(LinkError::PasswordNeeded);
    }
    if link.max_clicks.is_some() {
        return refused(LinkError::NotFound); // to tell would be an opening that is not counted
    }
    link.open(app.clock.now()).map_err(bitly::problem)?;
    let bitly::Bitlink { id, link, long_url, created_at, .. } = app.bitlink(link, &meta);
    Ok(Json(Expanded { id, link, long_url, created_at }))
}
