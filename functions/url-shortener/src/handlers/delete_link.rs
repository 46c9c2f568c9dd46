//! DELETE /links/{code}: disable one of the caller's links. It answers 410 for 30 days and is then forgotten.

use web::{Caller, NoContent, Path, Problem, Query, State};

use crate::App;
use crate::requests::OfDomain;

/// One conditional write. Other sandboxes open the link for at most another minute.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(code): Path<String>,
    Query(of): Query<OfDomain>,
) -> Result<NoContent, Problem> {
    let code = app.code_of(&code, of.domain.as_deref())?;
    app.store.disable(&code, &caller.id, app.clock.now()).await??;
    Ok(NoContent)
}
