//! POST /links: claim a short code for a URL.

use schemars::JsonSchema;
use serde::Deserialize;
use types::{Answer, Instant, Once};
use web::{Body, Caller, Created, IdempotencyKey, Problem, RequestMeta, State};

use crate::App;
use crate::domain::{Code, Draft, Link, LinkError, Target};
use crate::view::LinkView;

/// The body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    #[schemars(url, example = &"https://example.com/")]
    url: String,
    code: Option<String>,
    ttl_seconds: Option<u64>,
    expires_at: Option<Instant>,
    title: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// How often a generated code may meet one that somebody chose: with n chosen codes of seven characters, n in 3.5 ×
/// 10^12.
const TRIES: u8 = 3;

/// One write for a link; a lease of ids once in a thousand.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    meta: RequestMeta,
    Body(request): Body<Request>,
) -> Result<Created<LinkView>, Problem> {
    let once = key.map(|IdempotencyKey(once)| once);
    let now = app.clock.now();
    let link = match read(&app, &meta, request) {
        Ok((code, draft)) => claim(&app, caller.id, code, draft, once.as_ref(), now).await?,
        Err(refusal) => Err(refusal),
    };
    let link = match (link, &once) {
        // A repetition is answered as the first was, though what it asks for may be past by now.
        (Err(refusal), Some(once)) => app.store.claimed(once, now).await??.ok_or(refusal)?,
        (link, _) => link?,
    };
    Ok(Created::at(format!("/links/{}", link.code), app.view(link, &meta)))
}

fn read(app: &App, meta: &RequestMeta, request: Request) -> Result<(Option<Code>, Draft), LinkError> {
    let Request { url, code, ttl_seconds, expires_at, title, tags } = request;
    let url = Target::parse(&url, &app.own_hosts(meta))?;
    let code = code.as_deref().map(Code::custom).transpose()?;
    Ok((code, Draft { url, ttl_seconds, expires_at, title, tags }))
}

async fn claim(
    app: &App,
    owner: String,
    custom: Option<Code>,
    draft: Draft,
    once: Option<&Once>,
    now: Instant,
) -> Answer<Link, LinkError> {
    let mut tries = 1;
    loop {
        let code = match &custom {
            Some(code) => code.clone(),
            None => app.codes.next().await?,
        };
        let link = match Link::claim(owner.clone(), code, draft.clone(), app.settings.default_ttl, now) {
            Ok(link) => link,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match app.store.claim(link, once.cloned(), now).await? {
            Err(LinkError::CodeTaken) if custom.is_none() && tries < TRIES => tries += 1,
            claimed => return Ok(claimed),
        }
    }
}
