//! POST /transactions: post a double entry, or hold what it takes.

use web::{Body, Caller, Created, Problem, State};

use crate::App;
use crate::domain::NewTransaction;
use crate::view::TransactionView;

/// One transaction of the table, behind a read of the accounts that this sandbox has not seen. Its id is what makes it
/// once: made again with the same content, it is as it is by now.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewTransaction>,
) -> Result<Created<TransactionView>, Problem> {
    let (made, end) = app.make(&caller.id, new).await??;
    Ok(Created::at(format!("/transactions/{}", made.id), TransactionView::of(made, end.as_ref())))
}
