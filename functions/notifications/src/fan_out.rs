//! From a request to a fan-out.

use serde_json::Value;
use types::{Answer, Instant};

use crate::App;
use crate::domain::{Audience, FanOut, FanOutState, KEPT, NotificationError, Said, is_type, notification};
use crate::send::{NewNotification, fresh_id};

/// Whom a request is to.
#[derive(Debug)]
pub(crate) enum To {
    /// One user.
    User(String),
    /// Many.
    Many(Audience),
}

impl NewNotification {
    /// Whom it is to.
    pub(crate) fn to(&self) -> Result<To, NotificationError> {
        match (&self.user_id, &self.recipients, &self.topic) {
            (Some(user), None, None) => notification::user(user).map(To::User),
            (None, Some(users), None) => Audience::users(users).map(To::Many),
            (None, None, Some(topic)) => Audience::topic(topic).map(To::Many),
            _ => Err(NotificationError::To),
        }
    }

    /// What it counts for where a caller's notifications are counted: one for each user that it names.
    pub(crate) fn units(&self) -> u64 {
        self.recipients.as_ref().map_or(1, |users| users.len().max(1) as u64)
    }
}

impl App {
    /// Reads the template, where there is one, and makes the fan-out.
    pub(crate) async fn read_fan_out(
        &self,
        tenant: &str,
        new: NewNotification,
        audience: Audience,
        now: Instant,
    ) -> Answer<FanOut, NotificationError> {
        if !is_type(&new.kind) {
            return Ok(Err(NotificationError::Kind));
        }
        let said = match self.said_to_many(tenant, &new).await? {
            Ok(said) => said,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let send_at = new.send_at.filter(|&at| at > now);
        let fan_out = FanOut {
            tenant: tenant.to_owned(),
            id: fresh_id(now),
            shards: audience.shards(),
            audience,
            kind: new.kind,
            priority: new.priority,
            channels: new.channels.unwrap_or_default(),
            said,
            data: new.data.filter(|data| !data.is_empty()).map(|data| Value::Object(data).to_string()),
            collapse_key: new.collapse_key,
            fallback: new.fallback,
            state: if send_at.is_some() { FanOutState::Waiting } else { FanOutState::Open },
            created_at: now,
            send_at,
            expires_at: new.expires_at,
            canceled_at: None,
            purge_at: (send_at.unwrap_or(now) + KEPT).seconds(),
        };
        Ok(fan_out.check().map(|()| fan_out))
    }

    /// A template's variables are asked for in all its languages, since its users may have any of them.
    async fn said_to_many(&self, tenant: &str, new: &NewNotification) -> Answer<Said, NotificationError> {
        let Some(id) = &new.template else {
            return Ok(new.text().and_then(|text| text.map(Said::Text).ok_or(NotificationError::Content)));
        };
        if let Err(refusal) = new.text() {
            return Ok(Err(refusal));
        }
        let stored = match self.store.template(tenant, id).await? {
            Ok(stored) => stored,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let payload = new.payload.clone().unwrap_or_default();
        let names = stored.template.missing(&payload);
        if !names.is_empty() {
            return Ok(Err(crate::domain::TemplateError::Missing { names }.into()));
        }
        // What does not even render by default would reach nobody.
        if let Err(refusal) = stored.template.render(None, &payload) {
            return Ok(Err(refusal.into()));
        }
        let payload = Value::Object(payload).to_string();
        Ok(Ok(Said::Template { id: stored.id, version: stored.version, payload }))
    }
}
