//! GET /users/{user}/inbox/count: say how much is new in a user's inbox.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::{Counts, notification};

/// One eventually consistent read, however much there is.
pub async fn handle(State(app): State<App>, caller: Caller, Path(user): Path<String>) -> Result<Json<Counts>, Problem> {
    let user = notification::user(&user)?;
    Ok(Json(app.store.counts(&caller.id, &user).await?))
}
