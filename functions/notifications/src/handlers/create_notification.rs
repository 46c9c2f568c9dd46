//! POST /notifications: tell a user something, by every channel that reaches them or by those named.

use web::{Body, Caller, IdempotencyKey, Problem, State};

use crate::App;
use crate::send::NewNotification;
use crate::view::Accepted;

/// One query of the user beside one read of the template, and one transaction of the notification and its deliveries.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    Body(new): Body<NewNotification>,
) -> Result<Accepted, Problem> {
    let once = key.map(|IdempotencyKey(once)| once);
    let notification_id = app.send(&caller.id, new, once.as_ref()).await??;
    Ok(Accepted { notification_id })
}
