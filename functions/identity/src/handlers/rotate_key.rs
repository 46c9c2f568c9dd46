//! POST /keys/{id}/rotate: issue a successor with the same rights; the old key goes on for a grace period.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Body, Caller, Created, Path, Problem, State};

use crate::App;
use crate::domain::{Issuer, MOST_GRACE};
use crate::view::{Issued, KeyView};

/// Time to bring the new key to its users.
const DEFAULT_GRACE_SECONDS: u64 = 24 * 3600;

/// The body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// How long the old key goes on.
    #[schemars(range(max = MOST_GRACE.as_secs()), extend("default" = DEFAULT_GRACE_SECONDS))]
    grace_seconds: Option<u64>,
}

/// One read and one transaction of two writes. Rotating a key twice is refused, so a repeated request makes no second
/// key.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Request>,
) -> Result<Created<Issued>, Problem> {
    let (now, caller) = (app.clock.now(), Issuer::from(caller));
    let old = app.key_of(&caller, &id, now).await?;
    let grace = Duration::from_secs(request.grace_seconds.unwrap_or(DEFAULT_GRACE_SECONDS));
    let credential = app.credential();
    let (next, ends) = old.rotate(&caller, credential.id(), credential.hash(&app.hashing), grace, now)?;
    app.store.replace(&old, ends, &next).await??;
    let location = format!("/keys/{}", next.id);
    let secret = Some(credential.reveal().to_owned());
    Ok(Created::at(location, Issued { key: KeyView::of(next, now), secret }))
}
