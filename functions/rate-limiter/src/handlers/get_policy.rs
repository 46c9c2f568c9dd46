//! GET /policies/{id}: show a policy.

use web::{Caller, Path, Problem, State};

use crate::App;
use crate::domain::PolicyName;
use crate::view::{PolicyView, Tagged};

/// One strongly consistent read.
pub async fn handle(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Tagged, Problem> {
    let name = PolicyName::parse(&id, &caller.id, caller.may("admin"))?;
    let stored = app.store.find(&name).await??;
    Ok(Tagged { created: false, view: PolicyView::of(&id, stored) })
}
