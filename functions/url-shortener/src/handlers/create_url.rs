//! POST /urls: claim a short code, under guide 004's names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::{Body, Caller, Created, IdempotencyKey, Problem, RequestMeta, State};

use crate::App;
use crate::guides::{self, Expiration};
use crate::requests::NewLink;

/// As guide 004 has it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Where the link shall lead.
    long_url: String,
    /// A code of one's own.
    custom_alias: Option<String>,
    /// The last day that the link opens, such as `2027-01-31`, or the time it ends.
    expiration: Option<Expiration>,
}

/// As guide 004 has it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ShortUrl")]
pub struct Short {
    /// What to share.
    pub short_url: String,
}

/// As `create_link`, but a table that does not take the link is answered 503.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    meta: RequestMeta,
    Body(request): Body<Request>,
) -> Result<Created<Short>, Problem> {
    let Request { long_url, custom_alias, expiration } = request;
    let expires_at = guides::end(expiration);
    let new = NewLink { url: long_url, code: custom_alias, expires_at, ..NewLink::default() };
    let link = app.make(&caller.id, new, &meta, key).await?;
    let short_url = app.short_url(&link.code, &meta);
    Ok(Created::at(format!("/links/{}", link.code.name()), Short { short_url }))
}
