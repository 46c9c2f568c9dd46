//! GET /unsubscribe/{token}: ask whether to end such mails. Nothing changes by it: mail scanners follow links.

use web::{Path, Problem, State};

use crate::App;
use crate::pages::Page;

/// No call to AWS.
pub async fn handle(State(app): State<App>, Path(token): Path<String>) -> Result<Page, Problem> {
    Ok(Page::ask_to_unsubscribe(&app.links.read_unsubscribe(&token)?.kind))
}
