//! PUT /policies/{id}: make a policy, or a new version of it. It holds everywhere within 30 s.

use limiter::Policy;
use web::{Body, Caller, IfMatch, Path, Problem, State};

use crate::App;
use crate::domain::{LimitError, PolicyName};
use crate::view::{PolicyView, Tagged};

/// One read, and one transaction of two writes; no new version where it would be the same.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    expected: IfMatch,
    Body(policy): Body<Policy>,
) -> Result<Tagged, Problem> {
    let name = PolicyName::parse(&id, &caller.id, caller.may("admin"))?;
    policy.validate().map_err(LimitError::Policy)?;
    let (stored, created) = app.store.write(&name, Some(policy), expected, &caller.id, app.clock.now()).await??;
    Ok(Tagged { created, view: PolicyView::of(&id, stored) })
}
