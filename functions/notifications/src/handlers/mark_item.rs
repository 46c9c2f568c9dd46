//! PATCH /users/{user}/inbox/{id}: mark an item as seen or read, archive it, or put it off.

use web::{Body, Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::{Mark, notification};
use crate::view::InboxItemView;

/// One read, and one transaction of the item and the counts.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path((user, id)): Path<(String, String)>,
    Body(mark): Body<Mark>,
) -> Result<Json<InboxItemView>, Problem> {
    let user = notification::user(&user)?;
    let item = app.store.mark(&caller.id, &user, &id, &mark, app.clock.now()).await??;
    Ok(Json(item.into()))
}
