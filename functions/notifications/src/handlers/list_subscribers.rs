//! GET /topics/{topic}/subscribers: list who has subscribed to a topic.

use schemars::JsonSchema;
use serde::Serialize;
use types::Instant;
use web::{Caller, Json, PageOf, PageQuery, Path, Problem, Query, State};

use crate::App;
use crate::domain::fan_out;

/// A subscriber.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Subscriber")]
pub struct SubscriberView {
    /// Who.
    user_id: String,
    /// Since when.
    subscribed_at: Instant,
}

/// One to sixteen queries: subscribers are in sixteen partitions, and in the order of these.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(topic): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<PageOf<SubscriberView>>, Problem> {
    let topic = fan_out::topic(&topic)?;
    let list = format!("subscribers of {topic} of {}", caller.id);
    let (limit, after) = page.read(&app.cursors, &list)?;
    // A cursor that was signed for this list has the user; the partition follows from it.
    let after = after.and_then(|mut cursor| cursor.remove("user"));
    let (found, next) = app.store.all_subscribers(&caller.id, &topic, limit, after).await?;
    let next = next.map(|user| [("user".to_owned(), user)].into());
    let view =
        |found: crate::store::Subscriber| SubscriberView { user_id: found.user, subscribed_at: found.subscribed_at };
    Ok(Json(PageOf::new(found.into_iter().map(view).collect(), next, &app.cursors, &list)))
}
