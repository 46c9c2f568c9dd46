//! POST /v4/shorten: Bitly's way to shorten a URL; the caller's link to the same URL is answered again.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Body, Caller, Json, Problem, RequestMeta, State};

use crate::App;
use crate::bitly::{self, Bitlink};
use crate::requests::NewLink;

/// What Bitly's clients send; what they send beside it is ignored.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Request {
    /// Where the link shall lead.
    long_url: String,
    /// One of the caller's domains; `bit.ly` and the service's own host mean the service's.
    domain: Option<String>,
}

/// One transaction, and one read where the link is there.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Body(request): Body<Request>,
) -> Result<Json<Bitlink>, Problem> {
    let domain = app.bitly_domain(request.domain, &meta);
    let new = NewLink { url: request.long_url, domain, ..NewLink::default() };
    let link = bitly::told(app.shorten(&caller.id, new, &meta).await)?;
    Ok(Json(app.bitlink(link, &meta)))
}
