//! GET /health: whether the table answers.

use web::{Health, Problem, State};

use crate::App;

/// One read.
pub async fn handle(State(app): State<App>) -> Result<Health, Problem> {
    app.store.find("health").await?;
    Ok(Health::ok())
}
