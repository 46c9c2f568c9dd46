//! From a request to a notification with its deliveries.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use types::{Answer, Instant, Once, Priority, random};

use crate::App;
use crate::domain::{Channel, Delivery, Fallback, KEPT, Notification, NotificationError, Rendered, is_type, plan};
use crate::fan_out::To;

/// A notification to a user, or to many: say `user_id`, `recipients` or `topic`; of a broadcast, `audience_id`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNotification {
    /// To whom: 1 to 128 letters, digits and `._:@+-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Or to several: 1 to 100 different users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipients: Option<Vec<String>>,
    /// Or to all who have subscribed to this topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Of a broadcast: to whomever this file names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience_id: Option<String>,
    /// What it is about, by which users opt out: `order_shipped`.
    #[serde(rename = "type")]
    pub kind: String,
    /// By which channels; left out, by all that the user can be reached by, and in the inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<Channel>>,
    /// How urgent it is. `critical` passes quiet hours and caps, and nothing else.
    #[serde(default = "normal")]
    pub priority: Priority,
    /// The template that says it …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// … and its variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Map<String, Value>>,
    /// Or its title, at most 200 characters …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// … and its text, at most 4,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What goes along for programs: at most 2,048 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<String, Value>>,
    /// Not before; at most a year ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Instant>,
    /// Not after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// A newer notification of the same key takes the place of what waits: 1 to 64 letters, digits and `._:-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collapse_key: Option<String>,
    /// A channel for when the others do not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
}

fn normal() -> Priority {
    Priority::Normal
}

impl NewNotification {
    /// Its own text; none where a template says it.
    pub(crate) fn text(&self) -> Result<Option<Rendered>, NotificationError> {
        let has_payload = self.payload.as_ref().is_some_and(|payload| !payload.is_empty());
        match (&self.template, &self.title, &self.body) {
            (Some(_), None, None) => Ok(None),
            (None, Some(title), Some(body)) if !has_payload => {
                plain(title, body).map(Some).ok_or(NotificationError::Text)
            }
            _ => Err(NotificationError::Content),
        }
    }
}

impl App {
    /// Accepts a notification and answers its id. A repetition is answered as the first was, though it might be refused
    /// by now.
    pub(crate) async fn send(
        &self,
        tenant: &str,
        new: NewNotification,
        once: Option<&Once>,
    ) -> Answer<String, NotificationError> {
        let now = self.clock.now();
        let accepted = match new.to() {
            Ok(To::User(user)) => match self.read(tenant, user, new, now).await? {
                Ok((notification, deliveries)) => self.store.accept(&notification, &deliveries, once, now).await?,
                Err(refusal) => Err(refusal),
            },
            Ok(To::Many(audience)) => self.send_to_many(tenant, new, audience, once, now).await?,
            Err(refusal) => Err(refusal),
        };
        self.or_as_before(accepted, once, now).await
    }

    /// What was refused is answered as it was before, where it was accepted then.
    pub(crate) async fn or_as_before(
        &self,
        accepted: Result<String, NotificationError>,
        once: Option<&Once>,
        now: Instant,
    ) -> Answer<String, NotificationError> {
        match (accepted, once) {
            (Err(refusal), Some(once)) if !matches!(refusal, NotificationError::Once(_)) => {
                Ok(self.store.accepted(once, now).await?.and_then(|first| first.ok_or(refusal)))
            }
            (accepted, _) => Ok(accepted),
        }
    }

    /// Reads the user and the template at once, and plans.
    async fn read(
        &self,
        tenant: &str,
        user: String,
        new: NewNotification,
        now: Instant,
    ) -> Answer<(Notification, Vec<Delivery>), NotificationError> {
        if !is_type(&new.kind) {
            return Ok(Err(NotificationError::Kind));
        }
        let said = match new.text() {
            Ok(said) => said,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let payload = new.payload.unwrap_or_default();
        let template = async {
            match &new.template {
                Some(id) => self.store.template(tenant, id).await.map(Some),
                None => Ok(None),
            }
        };
        let (known, template) = tokio::try_join!(self.store.user(tenant, &user), template)?;
        let template = match template.transpose() {
            Ok(template) => template,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let content = match (&template, said) {
            (Some(stored), _) => match stored.template.render(known.preferences.locale.as_ref(), &payload) {
                Ok((_, content)) => content,
                Err(refusal) => return Ok(Err(refusal.into())),
            },
            (None, Some(content)) => content,
            (None, None) => return Ok(Err(NotificationError::Content)),
        };
        let notification = Notification {
            tenant: tenant.to_owned(),
            id: fresh_id(now),
            user,
            kind: new.kind,
            priority: new.priority,
            channels: new.channels.unwrap_or_default(),
            content,
            template: template.map(|stored| (stored.id, stored.version)),
            data: new.data.filter(|data| !data.is_empty()).map(|data| Value::Object(data).to_string()),
            collapse_key: new.collapse_key,
            fallback: new.fallback,
            digest: false,
            created_at: now,
            send_at: new.send_at.filter(|&at| at > now),
            expires_at: new.expires_at,
            canceled_at: None,
            purge_at: (new.send_at.unwrap_or(now).max(now) + KEPT).seconds(),
        };
        if let Err(refusal) = notification.check() {
            return Ok(Err(refusal));
        }
        let deliveries = plan(&notification, &known.addresses, &known.preferences);
        Ok(Ok((notification, deliveries)))
    }
}

fn plain(title: &str, body: &str) -> Option<Rendered> {
    let fits = |text: &str, most| (1..=most).contains(&text.chars().count());
    (fits(title.trim(), 200) && fits(body.trim(), 4000)).then(|| Rendered::plain(title, body))
}

/// Sorts by time, and cannot be guessed: milliseconds as hexadecimal digits, and 65 bits of chance.
pub(crate) fn fresh_id(now: Instant) -> String {
    format!("{:011x}{}", now.millis(), random::base62(11))
}
