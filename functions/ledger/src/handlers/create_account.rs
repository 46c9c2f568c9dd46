//! POST /accounts: open an account.

use web::{Body, Caller, Created, Problem, State};

use crate::App;
use crate::domain::NewAccount;
use crate::view::AccountView;

/// One conditional write. Opened again as it is, it is the same account.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewAccount>,
) -> Result<Created<AccountView>, Problem> {
    let account = app.open(&caller.id, new).await??;
    Ok(Created::at(format!("/accounts/{}", account.id), account.into()))
}
