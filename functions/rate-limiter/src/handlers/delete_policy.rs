//! DELETE /policies/{id}: delete a policy. Its versions stay, and a policy of a system's routes gives way to the
//! system's own within 30 s.

use web::{Caller, IfMatch, NoContent, Path, Problem, State};

use crate::App;
use crate::domain::PolicyName;

/// One read, and one transaction of two writes.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    expected: IfMatch,
) -> Result<NoContent, Problem> {
    let name = PolicyName::parse(&id, &caller.id, caller.may("admin"))?;
    app.store.write(&name, None, expected, &caller.id, app.clock.now()).await??;
    Ok(NoContent)
}
