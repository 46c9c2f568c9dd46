//! What SNS logs of text messages and pushes: whether their network or platform took them.

use std::time::Duration;

use serde::Deserialize;
use types::Fault;
use work::LogEvent;

use crate::App;
use crate::domain::Target;
use crate::store::{Message, Told};

/// How old a line is that may be ahead of our own note of what it is about, and how long it is waited for.
const AHEAD: Duration = Duration::from_secs(120);
const PATIENCE: Duration = Duration::from_secs(2);
/// Most characters of a network's or a platform's reason that are kept.
const MOST_REASON: usize = 200;
/// What platforms say of a token that is no device's any more.
const GONE: [&str; 5] = ["NotRegistered", "UNREGISTERED", "Unregistered", "BadDeviceToken", "InvalidToken"];

/// A line of SNS's delivery status (SNS Developer Guide, *Message delivery status*).
#[derive(Debug, Deserialize)]
struct Status {
    notification: Of,
    #[serde(default)]
    delivery: Answer,
    status: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Of {
    message_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    provider_response: Option<String>,
    /// A push's endpoint, and the token that it had.
    destination: Option<String>,
    token: Option<String>,
}

impl App {
    /// Notes what a line says of a delivery. What is no such line, or of nobody here, is left: the account's other
    /// messages are told of in the same place.
    ///
    /// # Errors
    /// Our failure.
    pub(crate) async fn take_status(&self, event: &LogEvent) -> Result<(), Fault> {
        let Ok(Status { notification, delivery, status }) = serde_json::from_str(&event.message) else {
            aws::count("statuses_unreadable", 1.0);
            tracing::warn!(event = event.id, "a line of SNS's delivery status cannot be read");
            return Ok(());
        };
        let id = &notification.message_id;
        let mut message = self.store.message(id).await?;
        if message.is_none() && event.at + AHEAD > self.clock.now() {
            tokio::time::sleep(PATIENCE).await;
            message = self.store.message(id).await?;
        }
        let Some(message) = message else {
            aws::count("statuses_of_others", 1.0);
            return Ok(());
        };
        let said = delivery.provider_response.as_deref().unwrap_or("no reason was given");
        let reason: String = said.chars().take(MOST_REASON).collect();
        let (told, reason) = match status.as_str() {
            "SUCCESS" => (Told::Delivered, None),
            "FAILURE" => (Told::Undelivered, Some(reason.as_str())),
            _ => return Ok(()),
        };
        if !self.store.note_feedback(&message.delivery(), told, None, reason, event.at).await? {
            aws::count("feedback_repeated", 1.0);
        }
        match told == Told::Undelivered && GONE.iter().any(|gone| said.contains(gone)) {
            true => self.lose_device(&message, &delivery).await,
            false => Ok(()),
        }
    }

    /// The device of a token that is none any more, unless it has another by now.
    async fn lose_device(&self, message: &Message, told: &Answer) -> Result<(), Fault> {
        let Ok(address) = self.store.address(&message.tenant, &message.user, &message.address).await? else {
            return Ok(());
        };
        match &address.target {
            Target::Push { endpoint, token, .. }
                if told.destination.as_ref() == Some(endpoint) && told.token.as_ref() == Some(token) =>
            {
                self.lose(&address, self.clock.now()).await
            }
            _ => Ok(()),
        }
    }
}
