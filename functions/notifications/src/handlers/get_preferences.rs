//! GET /users/{user}/preferences: show what a user wants to be told, and when.

use web::{Caller, Path, Problem, State};

use crate::App;
use crate::domain::notification;
use crate::view::PreferencesView;

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<PreferencesView, Problem> {
    let user = notification::user(&user)?;
    let (preferences, version) = app.store.preferences(&caller.id, &user).await?;
    Ok(PreferencesView { preferences, version })
}
