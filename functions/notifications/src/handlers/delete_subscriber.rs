//! DELETE /topics/{topic}/subscribers/{user}: end a user's subscription.

use web::{Caller, NoContent, Path, Problem, State};

use crate::App;
use crate::domain::{fan_out, notification};

/// One write. Who has not subscribed stays so.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path((topic, user)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    let (topic, user) = (fan_out::topic(&topic)?, notification::user(&user)?);
    app.store.unsubscribe(&caller.id, &topic, &user).await?;
    Ok(NoContent)
}
