//! Notifications, addresses, templates and the inbox as callers see them.

mod fan_outs;
mod templates;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};
use types::{Instant, Priority};
use web::header::{ETAG, LOCATION};
use web::{IntoResponse, Json, Operation, Output, Response, StatusCode, etag};

use crate::domain::{
    Address, AddressState, Channel, Delivery, DeliveryState, InboxItem, Notification, NotificationState, Platform,
    Preferences, Target,
};

pub use fan_outs::{FanOutView, FoundView};
pub use templates::Tagged;

/// What was accepted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Accepted {
    /// Its id.
    pub notification_id: String,
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = format!("/notifications/{}", self.notification_id);
        (StatusCode::ACCEPTED, [(LOCATION, location)], Json(self)).into_response()
    }
}

impl Output for Accepted {
    fn describe(operation: &mut Operation<'_>) {
        operation.json::<Self>(202, "It is accepted, and `Location` tells what becomes of it.");
    }
}

/// A notification and what became of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Notification")]
pub struct NotificationView {
    /// Its id.
    pub notification_id: String,
    /// To whom.
    pub user_id: String,
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// How urgent it is.
    pub priority: Priority,
    /// How it stands, by its deliveries.
    pub state: NotificationState,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// The template that it was made of …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// … and its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_version: Option<u64>,
    /// When it was accepted.
    pub created_at: Instant,
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Instant>,
    /// Not after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canceled_at: Option<Instant>,
    /// A line for each address, and for each channel that could not be used.
    pub deliveries: Vec<DeliveryView>,
}

/// What became of a notification at one address.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub struct DeliveryView {
    /// By which channel.
    pub channel: Channel,
    /// To which address of the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_id: Option<String>,
    /// Where it is.
    pub state: DeliveryState,
    /// Why it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Attempts begun.
    pub attempts: u32,
    /// Attempts of which nobody knows whether they reached the user: it may have got it so many times more.
    pub attempts_unknown: u32,
    /// While it waits: not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The provider's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// When the provider took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Instant>,
    /// When it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Instant>,
    /// The digest that took it in: a notification that is there from its time on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_id: Option<String>,
    /// When it was opened first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Instant>,
    /// When a link in it was followed first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clicked_at: Option<Instant>,
}

impl NotificationView {
    /// The JSON of a notification.
    pub fn of(notification: Notification, deliveries: Vec<Delivery>) -> Self {
        let state = NotificationState::of(&deliveries);
        let (template, template_version) = notification.template.unzip();
        Self {
            notification_id: notification.id,
            user_id: notification.user,
            kind: notification.kind,
            priority: notification.priority,
            state,
            title: notification.content.title,
            body: notification.content.body,
            template,
            template_version,
            created_at: notification.created_at,
            send_at: notification.send_at,
            expires_at: notification.expires_at,
            canceled_at: notification.canceled_at,
            deliveries: deliveries.into_iter().map(DeliveryView::from).collect(),
        }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            attempts_unknown: delivery.unknown(),
            channel: delivery.channel,
            address_id: Some(delivery.address).filter(|id| !id.is_empty()),
            state: delivery.state,
            reason: delivery.reason,
            attempts: delivery.attempts,
            due_at: Some(delivery.due_at).filter(|_| !delivery.state.is_final()),
            provider: delivery.provider,
            provider_id: delivery.provider_id,
            sent_at: delivery.sent_at,
            delivered_at: delivery.delivered_at,
            digest_id: delivery.digest,
            opened_at: delivery.opened_at,
            clicked_at: delivery.clicked_at,
        }
    }
}

/// An address. Of a device and a browser what reaches them is not shown again.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Address")]
pub struct AddressView {
    /// Its id: the same for the same thing.
    pub address_id: String,
    /// Its channel.
    pub channel: Channel,
    /// Whether it is used.
    pub state: AddressState,
    /// Of a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Of a mailbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Of a phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Of a webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of a webhook, when it was made or rotated: `whsec_…` for Standard Webhooks. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// When it was registered.
    pub created_at: Instant,
    /// When it changed last.
    pub updated_at: Instant,
}

impl From<Address> for AddressView {
    fn from(address: Address) -> Self {
        let channel = address.target.channel();
        let (mut platform, mut email, mut phone, mut url) = (None, None, None, None);
        match address.target {
            Target::Push { platform: of, .. } => platform = Some(of),
            Target::Email { email: of } => email = Some(of),
            Target::Sms { phone: of } => phone = Some(of),
            Target::WebPush { .. } => {}
            Target::Webhook { url: of, .. } => url = Some(of),
        }
        Self {
            address_id: address.id,
            channel,
            state: address.state,
            platform,
            email,
            phone,
            url,
            secret: None,
            created_at: address.created_at,
            updated_at: address.updated_at,
        }
    }
}

/// A user's preferences, whose version is their `ETag`.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct PreferencesView {
    pub preferences: Preferences,
    pub version: u64,
}

impl IntoResponse for PreferencesView {
    fn into_response(self) -> Response {
        ([(ETAG, etag(self.version))], Json(self.preferences)).into_response()
    }
}

impl Output for PreferencesView {
    fn describe(operation: &mut Operation<'_>) {
        operation.json::<SentPreferences>(200, "The preferences; `ETag` has their version.");
    }
}

/// The schema of the body that they are sent by: what was left out has its default.
#[derive(Serialize)]
struct SentPreferences;

impl JsonSchema for SentPreferences {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "SentPreferences".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"$ref": "#/components/schemas/Preferences"})
    }
}

/// An item of the inbox.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "InboxItem")]
#[allow(missing_docs)]
pub struct InboxItemView {
    /// The notification's id.
    pub notification_id: String,
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<String, Value>>,
    pub created_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Instant>,
}

impl From<InboxItem> for InboxItemView {
    fn from(item: InboxItem) -> Self {
        let InboxItem { id, kind, title, body, data, created_at, .. } = item;
        let data = data.and_then(|data| serde_json::from_str(&data).ok());
        let InboxItem { seen_at, read_at, archived_at, snoozed_until, .. } = item;
        Self { notification_id: id, kind, title, body, data, created_at, seen_at, read_at, archived_at, snoozed_until }
    }
}
