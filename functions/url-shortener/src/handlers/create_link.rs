//! POST /links: claim a short code for a URL.

use web::{Body, Caller, IdempotencyKey, Problem, RequestMeta, State};

use crate::App;
use crate::requests::NewLink;
use crate::results::NewLinkAnswer;

/// One write for a link, or one transaction; a lease of ids once in a thousand.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    meta: RequestMeta,
    Body(new): Body<NewLink>,
) -> Result<NewLinkAnswer, Problem> {
    let once = key.map(|IdempotencyKey(once)| once);
    let claimed = app.create(&caller.id, NewLink { patient: true, ..new }, &meta, once.as_ref()).await??;
    Ok(app.answer(claimed, &caller.id, &meta))
}
