//! What this system hears from others on the bus.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use types::Once;
use work::Priority;

use crate::domain::Channel;
use crate::send::NewNotification;

/// An event of another system, as a queue gets it from the bus.
#[derive(Debug, Clone, Deserialize)]
pub struct Requested {
    /// Who asks.
    pub source: String,
    /// What for.
    pub detail: NotificationRequested,
}

/// `NotificationRequested`, version 1: somebody's user is to be told something. Members that are not known here are
/// ignored, so that a publisher may add some.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotificationRequested {
    /// Version of this shape.
    pub v: u8,
    /// By which it is done once.
    pub id: String,
    /// Whose user.
    pub tenant: String,
    /// The user.
    pub user_id: String,
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// How urgent it is.
    #[serde(default = "normal")]
    pub priority: Priority,
    /// By which channels; all that reach the user where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<Channel>>,
    /// What it says.
    pub title: String,
    /// The rest of it.
    pub body: String,
    /// What goes along for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<String, Value>>,
    /// A newer one of the same key takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collapse_key: Option<String>,
}

fn normal() -> Priority {
    Priority::Normal
}

impl Requested {
    /// Whether it can be taken: of the version that is known here, and of a tenant who can be one.
    pub fn is_known(&self) -> bool {
        let NotificationRequested { v, tenant, .. } = &self.detail;
        *v == 1 && types::is_tenant(tenant)
    }

    /// The request as if it had come over the API, and what makes it one.
    pub fn into_request(self) -> (String, NewNotification, Once) {
        let NotificationRequested { id, tenant, user_id, kind, priority, channels, title, body, data, .. } =
            self.detail;
        let once = Once { scope: format!("{tenant}#{}", self.source), key: id, fingerprint: String::new() };
        let new = NewNotification {
            user_id: Some(user_id),
            recipients: None,
            topic: None,
            audience_id: None,
            kind,
            channels,
            priority,
            template: None,
            payload: None,
            title: Some(title),
            body: Some(body),
            data,
            send_at: None,
            expires_at: None,
            collapse_key: self.detail.collapse_key,
            fallback: None,
        };
        (tenant, new, once)
    }
}
