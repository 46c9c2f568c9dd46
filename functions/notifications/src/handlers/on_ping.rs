//! The WebSocket route `$default`: whatever a connection says, it is told how much is new in its inbox.

use web::{Problem, SocketEvent};

use crate::App;
use crate::domain::NotificationError;

/// Two reads. A connection without a message for ten minutes is closed by API Gateway: this is what keeps it.
pub async fn handle(app: App, event: SocketEvent) -> Result<Option<String>, Problem> {
    let known = app.store.connection(event.connection()).await?.ok_or(NotificationError::InboxToken)?;
    let counts = app.store.counts(&known.tenant, &known.user).await?;
    Ok(Some(serde_json::json!({"counts": counts}).to_string()))
}
