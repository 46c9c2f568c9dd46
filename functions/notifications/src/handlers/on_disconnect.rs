//! The WebSocket route `$disconnect`: forget the connection. That it comes is not certain; what is kept ends by itself.

use web::{Problem, SocketEvent};

use crate::App;

/// Two writes.
pub async fn handle(app: App, event: SocketEvent) -> Result<Option<String>, Problem> {
    app.store.disconnect(event.connection()).await?;
    Ok(None)
}
