//! GET /transactions/{id}: show a transaction, and how it stands.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::view::TransactionView;

/// One strongly consistent query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TransactionView>, Problem> {
    let (made, end) = app.look(&caller.id, &id).await??;
    Ok(Json(TransactionView::of(made, end.as_ref())))
}
