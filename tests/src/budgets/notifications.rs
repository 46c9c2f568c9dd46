//! What the operations of notifications cost.

use notifications::{App, system};
use testkit::{Worlds, budgets};

const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// An operation is a line and the `budget` line behind it, which may name it.
const OPERATIONS: &str = "
    anon GET /health        200
    budget
    anon GET /openapi.json  200
    budget
    anon GET /docs          200
    budget
    anon GET /nowhere       404
    budget
";

#[test]
fn notifications_keeps_its_budgets() {
    budgets(&WORLDS, &[OPERATIONS]);
}
