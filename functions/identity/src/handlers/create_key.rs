//! POST /keys: issue an API key with some of the caller's own rights.

use dynamo::Done;
use schemars::JsonSchema;
use serde::Deserialize;
use types::{Instant, Tier};
use web::{Body, Caller, Created, IdempotencyKey, Problem, State};

use crate::App;
use crate::domain::{ApiKey, Draft, MOST_SCOPES, NAME_CHARACTERS};
use crate::view::{Issued, KeyView};

/// The body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What its owner calls it.
    #[schemars(length(min = 1, max = NAME_CHARACTERS), example = &"ci")]
    name: String,
    /// What it may do: different scopes such as `links:read`, which the caller holds.
    #[schemars(length(min = 1, max = MOST_SCOPES), example = &["keys:read"])]
    scopes: Vec<String>,
    /// Whom it speaks for; only `admin` names another than itself.
    owner: Option<String>,
    /// What is paid for; only `admin` names another than its own.
    tier: Option<Tier>,
    /// Its life, at most ten years …
    #[schemars(range(min = 1))]
    ttl_seconds: Option<u64>,
    /// … or its end; not both.
    expires_at: Option<Instant>,
}

/// One transaction of two writes. The Idempotency-Key is required: a retry must not leave a second key that nobody
/// knows of.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    IdempotencyKey(once): IdempotencyKey,
    Body(request): Body<Request>,
) -> Result<Created<Issued>, Problem> {
    let Request { name, scopes, owner, tier, ttl_seconds, expires_at } = request;
    let draft = Draft { owner, name, scopes, tier, ttl_seconds, expires_at };
    let (credential, now) = (app.credential(), app.clock.now());
    let hash = credential.hash(&app.hashing);
    let (key, secret) = match ApiKey::issue(&caller.into(), draft, credential.id(), hash, now) {
        Ok(key) => match app.store.insert(key.clone(), Some(once), now).await?? {
            Done::Now => (key, Some(credential.reveal().to_owned())),
            Done::Before(first) => (first, None),
        },
        // A repetition is answered as the first was, though what it asks for may be past by now.
        Err(refusal) => (app.store.issued(&once, now).await??.ok_or(refusal)?, None),
    };
    Ok(Created::at(format!("/keys/{}", key.id), Issued { key: KeyView::of(key, now), secret }))
}
