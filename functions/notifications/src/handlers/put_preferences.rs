//! PUT /users/{user}/preferences: say what a user wants to be told, and when.

use web::{Body, Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::{NotificationError, Preferences, notification};
use crate::view::PreferencesView;

/// One write. It holds for everything that is not being sent at this moment.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
    Body(preferences): Body<Preferences>,
) -> Result<Json<PreferencesView>, Problem> {
    let user = notification::user(&user)?;
    preferences.validate().map_err(NotificationError::Preferences)?;
    app.store.put_preferences(&caller.id, &user, &preferences, app.clock.now()).await?;
    Ok(Json(PreferencesView(preferences)))
}
