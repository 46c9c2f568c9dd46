//! POST /transactions/{id}/reverse: take back what a transaction posted, by another that is its mirror.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::{Body, Caller, Created, Path, Problem, State};

use crate::App;
use crate::view::TransactionView;

/// Why.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    /// What it is about: a line of at most 200 characters.
    #[serde(default)]
    description: String,
}

/// One query and one transaction. Its id is made of the other's: there is one reversal at most.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Body(reversal): Body<Reversal>,
) -> Result<Created<TransactionView>, Problem> {
    let made = app.reverse(&caller.id, &id, reversal.description).await??;
    Ok(Created::at(format!("/transactions/{}", made.id), TransactionView::of(made, None)))
}
