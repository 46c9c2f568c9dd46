//! PUT /topics/{topic}/subscribers/{user}: subscribe a user to a topic.

use web::{Caller, NoContent, Path, Problem, State};

use crate::App;
use crate::domain::{fan_out, notification};

/// One write. Who has subscribed stays so.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path((topic, user)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    let (topic, user) = (fan_out::topic(&topic)?, notification::user(&user)?);
    app.store.subscribe(&caller.id, &topic, &user, app.clock.now()).await?;
    Ok(NoContent)
}
