//! DELETE /links/{code}: disable one of the caller's links. It answers 410 for 30 days and is then forgotten.

use web::{Caller, NoContent, Path, Problem, State};

use crate::App;
use crate::domain::Code;

/// One conditional write. Other sandboxes open the link for at most another minute.
pub async fn handle(State(app): State<App>, caller: Caller, Path(code): Path<String>) -> Result<NoContent, Problem> {
    let code = Code::of_path(&code)?;
    app.store.disable(&code, &caller.id, app.clock.now()).await??;
    Ok(NoContent)
}
