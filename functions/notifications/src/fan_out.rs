//! From a request to a fan-out.

use serde_json::Value;
use types::{Answer, Instant, Once};

use crate::App;
use crate::domain::fan_out::{MOST_AHEAD_OF_FILE, MOST_FILE_BYTES};
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
        match (&self.user_id, &self.recipients, &self.topic, &self.audience_id) {
            (Some(user), None, None, None) => notification::user(user).map(To::User),
            (None, Some(users), None, None) => Audience::users(users).map(To::Many),
            (None, None, Some(topic), None) => Audience::topic(topic).map(To::Many),
            _ => Err(NotificationError::To),
        }
    }

    /// The file that a broadcast names, and nothing else.
    fn audience(&self) -> Result<&str, NotificationError> {
        match (&self.user_id, &self.recipients, &self.topic, &self.audience_id) {
            (None, None, None, Some(id)) => Ok(id),
            _ => Err(NotificationError::To),
        }
    }

    /// What it counts for where a caller's notifications are counted: one for each user that it names.
    pub(crate) fn units(&self) -> u64 {
        self.recipients.as_ref().map_or(1, |users| users.len().max(1) as u64)
    }
}

impl App {
    /// Accepts a broadcast and answers its id. A repetition is answered as the first was, though its file may be gone.
    pub(crate) async fn broadcast(
        &self,
        tenant: &str,
        new: NewNotification,
        once: Option<&Once>,
    ) -> Answer<String, NotificationError> {
        let now = self.clock.now();
        let accepted = match self.read_audience(tenant, &new).await? {
            Ok(audience) => self.send_to_many(tenant, new, audience, once, now).await?,
            Err(refusal) => Err(refusal),
        };
        self.or_as_before(accepted, once, now).await
    }

    pub(crate) async fn send_to_many(
        &self,
        tenant: &str,
        new: NewNotification,
        audience: Audience,
        once: Option<&Once>,
        now: Instant,
    ) -> Answer<String, NotificationError> {
        match self.read_fan_out(tenant, new, audience, now).await? {
            Ok(fan_out) => self.store.accept_fan_out(&fan_out, once, now).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The first lines tell whether it is such a file at all. What names nobody further on is counted as it is met.
    async fn read_audience(&self, tenant: &str, new: &NewNotification) -> Answer<Audience, NotificationError> {
        let opened = match new.audience() {
            Ok(id) => self.audiences.open(tenant, id).await?,
            Err(refusal) => Err(refusal),
        };
        Ok(opened.and_then(|(file, first)| {
            let lines = file.lines(&first, 0, u64::MAX);
            let wrong = match lines.first_bad {
                Some(line) => {
                    Some(format!("line {line} names no user: each line has one user's name and nothing else"))
                }
                None if file.bytes > MOST_FILE_BYTES => Some("the file has more than 2 GiB".to_owned()),
                None if lines.users.is_empty() && lines.next.is_none() => Some("the file names nobody".to_owned()),
                None => None,
            };
            wrong.map_or(Ok(Audience::File(file)), |wrong| Err(NotificationError::Audience(wrong)))
        }))
    }

    /// Reads the template, where there is one, and makes the fan-out.
    async fn read_fan_out(
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
            reason: None,
            purge_at: (send_at.unwrap_or(now) + KEPT).seconds(),
        };
        if matches!(fan_out.audience, Audience::File(_)) && now + MOST_AHEAD_OF_FILE < fan_out.due_at() {
            return Ok(Err(NotificationError::Time("a broadcast begins within a week: its file is not kept for ever")));
        }
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
