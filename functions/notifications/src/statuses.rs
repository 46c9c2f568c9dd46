//! What SNS logs of text messages and pushes: whether their network or platform took them.

use std::time::Duration;

use serde::Deserialize;
use types::Fault;
use work::LogEvent;

use crate::App;
use crate::store::Told;

/// How long SNS's word may be ahead of our own note of what it is about.
const AHEAD: Duration = Duration::from_secs(120);
/// Most characters of a network's or a platform's reason that are kept.
const MOST_REASON: usize = 200;

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
    provider_response: String,
}

impl App {
    /// Notes what a line says of a delivery. What is no such line, or of nobody here, is left.
    ///
    /// # Errors
    /// Our failure; a transient one where the delivery may not be noted as sent yet.
    pub(crate) async fn take_status(&self, event: &LogEvent) -> Result<(), Fault> {
        let Ok(Status { notification, delivery, status }) = serde_json::from_str(&event.message) else {
            aws::count("statuses_unreadable", 1.0);
            tracing::warn!(event = event.id, "a line of SNS's delivery status cannot be read");
            return Ok(());
        };
        let Some(message) = self.store.message(&notification.message_id).await? else {
            if event.at + AHEAD > self.clock.now() {
                return Err(Fault::transient("SNS tells of what is not noted yet"));
            }
            aws::count("statuses_of_others", 1.0);
            return Ok(());
        };
        let reason: String = delivery.provider_response.chars().take(MOST_REASON).collect();
        let (told, reason) = match status.as_str() {
            "SUCCESS" => (Told::Delivered, None),
            "FAILURE" => (Told::Undelivered, Some(reason.as_str())),
            _ => return Ok(()),
        };
        if !self.store.note_feedback(&message.delivery(), told, None, reason, event.at).await? {
            aws::count("feedback_repeated", 1.0);
        }
        Ok(())
    }
}
