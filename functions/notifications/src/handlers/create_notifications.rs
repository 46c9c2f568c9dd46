//! POST /notifications/batch: up to 25 notifications. Each is accepted or refused by itself.

use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Once;
use web::{Body, Caller, IdempotencyKey, Json, Problem, State, Units};

use crate::App;
use crate::domain::NotificationError;
use crate::send::NewNotification;

/// Most notifications of a batch: all are accepted at once.
const MOST: usize = 25;

/// Notifications to send.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNotifications {
    /// 1 to 25.
    notifications: Vec<NewNotification>,
}

/// What became of them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Results {
    /// One for each notification, in their order.
    results: Vec<NotificationResult>,
}

/// What became of one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NotificationResult {
    /// As if it had been sent alone: 202, or 400 and above.
    status: u16,
    /// Its id, where it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_id: Option<String>,
    /// The problem (RFC 9457), where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<serde_json::Map<String, serde_json::Value>>,
}

/// As many as of single ones, all at once; with a key, each is a keyed request of its own, so that a repeated batch
/// sends what is missing and nothing twice.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    units: Units,
    Body(new): Body<NewNotifications>,
) -> Result<Json<Results>, Problem> {
    if !(1..=MOST).contains(&new.notifications.len()) {
        return Err(NotificationError::Batch.into());
    }
    units.take(new.notifications.iter().map(NewNotification::units).sum::<u64>() - 1).await?;
    let once = key.map(|IdempotencyKey(once)| once);
    let (app, tenant) = (&app, &caller.id);
    let sent = new.notifications.into_iter().enumerate().map(|(place, new)| {
        let once = once.clone().map(|once| Once { key: format!("{}#{place}", once.key), ..once });
        async move {
            let refused = |problem: Problem| NotificationResult {
                status: problem.status().as_u16(),
                notification_id: None,
                problem: Some(problem.document()),
            };
            match app.send(tenant, new, once.as_ref()).await {
                Ok(Ok(id)) => NotificationResult { status: 202, notification_id: Some(id), problem: None },
                Ok(Err(refusal)) => refused(refusal.into()),
                Err(fault) => {
                    tracing::error!(fault = fault.chain(), "a notification of a batch was not accepted");
                    refused(fault.into())
                }
            }
        }
    });
    Ok(Json(Results { results: join_all(sent).await }))
}
