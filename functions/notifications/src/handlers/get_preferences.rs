//! GET /users/{user}/preferences: show what a user wants to be told, and when.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::notification;
use crate::view::PreferencesView;

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<PreferencesView>, Problem> {
    let user = notification::user(&user)?;
    Ok(Json(PreferencesView(app.store.preferences(&caller.id, &user).await?)))
}
