//! DELETE /api/{code}: disable one of the caller's links, under guide 000's names.

use web::{Caller, NoContent, Path, Problem, State};

use crate::App;
use crate::domain::Code;

/// One conditional write.
pub async fn handle(State(app): State<App>, caller: Caller, Path(code): Path<String>) -> Result<NoContent, Problem> {
    app.store.disable(&Code::of_path(&code)?, &caller.id, app.clock.now()).await??;
    Ok(NoContent)
}
