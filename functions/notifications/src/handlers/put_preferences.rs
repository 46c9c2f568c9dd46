//! PUT /users/{user}/preferences: say what a user wants to be told, and when.

use web::{Body, Caller, IfMatch, Path, Problem, State};

use crate::App;
use crate::domain::{NotificationError, Preferences, notification};
use crate::view::PreferencesView;

/// One write. What a user clicked meanwhile in a mail is kept where `If-Match` says what was read.
///
/// It holds for everything that is not being sent at this moment.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
    expected: IfMatch,
    Body(preferences): Body<Preferences>,
) -> Result<PreferencesView, Problem> {
    let user = notification::user(&user)?;
    preferences.validate().map_err(NotificationError::Preferences)?;
    let now = app.clock.now();
    let version = app.store.put_preferences(&caller.id, &user, &preferences, expected, now).await??;
    Ok(PreferencesView { preferences, version })
}
