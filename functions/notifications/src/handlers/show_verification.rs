//! GET /verify/{token}: ask whether an address is the reader's. Nothing changes by it.

use web::{Path, Problem, State};

use crate::App;
use crate::pages::Page;

/// No call to AWS.
pub async fn handle(State(app): State<App>, Path(token): Path<String>) -> Result<Page, Problem> {
    app.links.read_verify(&token, app.clock.now())?;
    Ok(Page::ask_to_verify())
}
