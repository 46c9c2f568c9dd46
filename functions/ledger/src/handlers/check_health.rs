//! GET /health: whether the table answers.

use web::{Health, Problem, State};

use crate::App;

/// One read.
pub async fn handle(State(app): State<App>) -> Result<Health, Problem> {
    app.store.probe().await?;
    Ok(Health::ok())
}
