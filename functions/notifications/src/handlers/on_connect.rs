//! The WebSocket route `$connect`: let in who has a token for a user's inbox, and remember the connection.

use web::{Problem, SocketEvent};

use crate::App;
use crate::domain::NotificationError;

/// One query and one transaction of two writes. No authorizer knows the user of a tenant's app; the token does.
pub async fn handle(app: App, event: SocketEvent) -> Result<Option<String>, Problem> {
    let now = app.clock.now();
    let token = event.query("inbox_token").ok_or(NotificationError::InboxToken)?;
    let link = app.links.read_connect(token, now)?;
    app.store.connect(&link.tenant, &link.user, event.connection(), now).await??;
    Ok(None)
}
