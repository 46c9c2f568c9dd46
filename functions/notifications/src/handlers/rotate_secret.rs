//! POST /users/{user}/addresses/{address}/secret: give a webhook another secret. Both sign for a day.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::view::AddressView;

/// One read and one conditional write.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path((user, address)): Path<(String, String)>,
) -> Result<Json<AddressView>, Problem> {
    Ok(Json(app.rotate(&caller.id, &user, &address).await??))
}
