//! POST /broadcasts: tell everybody whom an audience file names something.

use web::{Body, Caller, IdempotencyKey, Problem, State};

use crate::App;
use crate::send::NewNotification;
use crate::view::Accepted;

/// A read of the file's first lines, one of the template, and one transaction of one item, which workers expand.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    Body(new): Body<NewNotification>,
) -> Result<Accepted, Problem> {
    let once = key.map(|IdempotencyKey(once)| once);
    let notification_id = app.broadcast(&caller.id, new, once.as_ref()).await??;
    Ok(Accepted { notification_id })
}
