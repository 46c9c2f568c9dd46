//! POST /notifications: tell a user, several or a topic's subscribers something, by all channels or by those named.

use web::{Body, Caller, IdempotencyKey, Problem, State, Units};

use crate::App;
use crate::send::NewNotification;
use crate::view::Accepted;

/// To one user: one query of the user beside one read of the template, and one transaction of the notification and its
/// deliveries. To many: one read of the template, and one transaction of one item, which workers expand.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    units: Units,
    Body(new): Body<NewNotification>,
) -> Result<Accepted, Problem> {
    units.take(new.units() - 1).await?;
    let once = key.map(|IdempotencyKey(once)| once);
    let notification_id = app.send(&caller.id, new, once.as_ref()).await??;
    Ok(Accepted { notification_id })
}
