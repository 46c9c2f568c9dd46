//! POST /verify/{token}: confirm an address.

use web::{Path, Problem, State};

use crate::App;
use crate::pages::Page;

/// One read, and one conditional write.
pub async fn handle(State(app): State<App>, Path(token): Path<String>) -> Result<Page, Problem> {
    let link = app.links.read_verify(&token, app.clock.now())?;
    app.verify(&link).await??;
    Ok(Page::verified())
}
