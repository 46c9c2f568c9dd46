//! POST /transactions/{id}/void: let go what a pending transaction holds.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::Outcome;
use crate::view::TransactionView;

/// One query and one transaction. Voided or expired before, it is as it was.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TransactionView>, Problem> {
    let (made, end) = app.end(&caller.id, &id, Outcome::Voided, None).await??;
    Ok(Json(TransactionView::of(made, Some(&end))))
}
