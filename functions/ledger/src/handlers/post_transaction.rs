//! POST /transactions/{id}/post: post a pending transaction, whole or in part; what is left of it is let go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::{Body, Caller, Json, Path, Problem, State};

use crate::App;
use crate::domain::{Entry, Outcome};
use crate::view::TransactionView;

/// How much.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Posting {
    /// A double entry of its accounts and sides with no more than what is held; left out, the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entries: Option<Vec<Entry>>,
}

/// One query and one transaction. Posted again in the same way, it is as it was.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Body(posting): Body<Posting>,
) -> Result<Json<TransactionView>, Problem> {
    let (made, end) = app.end(&caller.id, &id, Outcome::Posted, posting.entries.as_deref()).await??;
    Ok(Json(TransactionView::of(made, Some(&end))))
}
