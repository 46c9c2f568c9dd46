//! GET /notifications/{id}: show a notification, and what became of it at each address.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::view::NotificationView;

/// One strongly consistent query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<NotificationView>, Problem> {
    let (notification, deliveries) = app.store.find(&caller.id, &id).await??;
    Ok(Json(NotificationView::of(notification, deliveries)))
}
