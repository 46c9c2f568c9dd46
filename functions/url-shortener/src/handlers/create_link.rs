//! POST /links: claim a short code for a URL.

use serde::Deserialize;
use types::Instant;
use web::{Body, Caller, Created, IdempotencyKey, Problem, RequestMeta, State};

use crate::App;
use crate::domain::{Code, Draft, Link, LinkError, Target};
use crate::view::LinkView;

/// The body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    url: String,
    code: Option<String>,
    ttl_seconds: Option<u64>,
    expires_at: Option<Instant>,
    title: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// One write for a link; a lease of ids once in a thousand.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    meta: RequestMeta,
    Body(request): Body<Request>,
) -> Result<Created<LinkView>, Problem> {
    let Request { url, code, ttl_seconds, expires_at, title, tags } = request;
    let url = Target::parse(&url, &app.own_hosts(&meta)).map_err(LinkError::from)?;
    let code = match code {
        Some(text) => Code::custom(&text)?,
        None => app.codes.next().await?,
    };
    let now = app.clock.now();
    let draft = Draft { url, ttl_seconds, expires_at, title, tags };
    let link = Link::claim(caller.id, code, draft, app.settings.default_ttl, now)?;
    let link = app.store.claim(link, key.map(|IdempotencyKey(once)| once), now).await??;
    Ok(Created::at(format!("/links/{}", link.code), app.view(link, &meta)))
}
