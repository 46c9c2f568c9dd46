//! DELETE /api/v2/links/{id}: Kutt's way to disable a link.

use schemars::JsonSchema;
use serde::Serialize;
use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::LinkError;
use crate::kutt;

/// What Kutt says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Deleted {
    /// That it is done.
    pub message: &'static str,
}

/// One conditional write.
pub async fn handle(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Deleted>, Problem> {
    let before = kutt::told(app.store.disable(&kutt::code_of(&id)?, &caller.id, app.clock.now()).await)?;
    if before.is_some() {
        return Err(kutt::problem(LinkError::NotFound)); // deleted or ended before: gone, as Kutt sees it
    }
    Ok(Json(Deleted { message: "Link has been deleted successfully." }))
}
