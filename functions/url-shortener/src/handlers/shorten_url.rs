//! POST /api/shorten: claim a short code, under the names of guides 000 and 001.

use schemars::JsonSchema;
use serde::Deserialize;
use types::Instant;
use web::{Body, Caller, Created, IdempotencyKey, Problem, RequestMeta, State};

use crate::App;
use crate::domain::{Change, LinkError};
use crate::guides::ShortView;
use crate::requests::NewLink;

/// As guide 000 has it, and guide 001: `long_url` and `expires_at`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Where the link shall lead.
    #[serde(alias = "long_url")]
    original_url: String,
    /// A code of one's own.
    custom_code: Option<String>,
    /// Life in days, or …
    expires_days: Option<u32>,
    /// … its end.
    expires_at: Option<Instant>,
}

/// As `create_link`, but a table that does not take the link is answered 503.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    meta: RequestMeta,
    Body(request): Body<Request>,
) -> Result<Created<ShortView>, Problem> {
    let Request { original_url, custom_code, expires_days, expires_at } = request;
    if expires_days.is_some() && expires_at.is_some() {
        return Err(LinkError::Expiry.into());
    }
    let ttl_seconds = Change::of(expires_days.map(|days| u64::from(days) * 24 * 3600));
    let expires_at = Change::of(expires_at);
    let new = NewLink { url: original_url, code: custom_code, ttl_seconds, expires_at, ..NewLink::default() };
    let link = app.make(&caller.id, new, &meta, key).await?;
    Ok(Created::at(format!("/api/{}", link.code.name()), app.short_view(link, &meta)))
}
