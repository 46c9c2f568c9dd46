//! GET /users/{user}/addresses: list where a user can be reached.

use schemars::JsonSchema;
use serde::Serialize;
use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::notification;
use crate::view::AddressView;

/// All of a user's addresses: at most 20.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Addresses {
    /// By their ids.
    items: Vec<AddressView>,
}

/// One strongly consistent query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<Addresses>, Problem> {
    let user = notification::user(&user)?;
    let known = app.store.user(&caller.id, &user).await?;
    Ok(Json(Addresses { items: known.addresses.into_iter().map(AddressView::from).collect() }))
}
