//! POST /v4/bitlinks: Bitly's way to make a link with a title and tags.

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
    /// A title.
    title: Option<String>,
    /// Labels.
    #[serde(default)]
    tags: Vec<String>,
}

/// As `shorten_bitlink`.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Body(request): Body<Request>,
) -> Result<Json<Bitlink>, Problem> {
    let Request { long_url, domain, title, tags } = request;
    let domain = app.bitly_domain(domain, &meta);
    let new = NewLink { url: long_url, domain, title, tags, ..NewLink::default() };
    let link = bitly::told(app.shorten(&caller.id, new, &meta).await)?;
    Ok(Json(app.bitlink(link, &meta)))
}
