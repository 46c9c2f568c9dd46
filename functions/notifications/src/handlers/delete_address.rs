//! DELETE /users/{user}/addresses/{address}: forget one of a user's addresses.

use web::{Caller, NoContent, Path, Problem, State};

use crate::App;
use crate::domain::{Target, notification};

/// One write, and for a device one call to SNS.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path((user, address)): Path<(String, String)>,
) -> Result<NoContent, Problem> {
    let user = notification::user(&user)?;
    let deleted = app.store.delete_address(&caller.id, &user, &address).await??;
    if let Target::Push { endpoint, .. } = &deleted.target {
        app.providers.forget(endpoint).await?;
    }
    Ok(NoContent)
}
