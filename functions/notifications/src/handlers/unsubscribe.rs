//! POST /unsubscribe/{token}: end mails of one type to one user, by one click (RFC 8058) or the page's button.

use web::{Path, Problem, State};

use crate::App;
use crate::pages::Page;

/// One read and one conditional write.
pub async fn handle(State(app): State<App>, Path(token): Path<String>) -> Result<Page, Problem> {
    let link = app.links.read_unsubscribe(&token)?;
    let without = |preferences: crate::domain::Preferences| preferences.without(&link.kind, link.channel);
    app.store.change_preferences(&link.tenant, &link.user, without, app.clock.now()).await?;
    aws::count("unsubscribed", 1.0);
    Ok(Page::unsubscribed(&link.kind))
}
