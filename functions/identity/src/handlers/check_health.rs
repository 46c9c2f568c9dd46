//! GET /health: whether the table answers.

use web::{IntoResponse, Problem, State};

use crate::App;

/// One read.
pub async fn handle(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    app.store.find("health").await?;
    Ok(web::Json(serde_json::json!({"status": "ok"})))
}
