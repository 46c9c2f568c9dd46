//! DELETE /users/{user}/addresses/{address}: forget one of a user's addresses.

use web::{Caller, NoContent, Path, Problem, State};

use crate::App;
use crate::domain::notification;

/// One write, and for a device another and a call to SNS, unless somebody else has the device by now.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path((user, address)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    app.forget(&caller.id, &notification::user(&user)?, &address).await??;
    Ok(NoContent)
}
