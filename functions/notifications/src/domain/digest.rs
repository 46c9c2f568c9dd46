//! Digests: what may wait for a mail at the user's own time (issue 5: daily or weekly, at a local time).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use types::time::{millis, opt_millis};
use types::{Instant, Priority};

use super::quiet::next_local;
use super::template::{Rendered, Template, TemplateError};
use super::{Channel, Errand, Locale, Notification, Preferences, TimeOfDay, Zone};

/// The type of digests, by which users opt out of them, and the id of a tenant's own template of them.
pub const DIGEST: &str = "digest";
/// Most notifications that a digest lists; the rest is counted.
pub const MOST_LISTED: usize = 100;
/// Most that are read for it: what a user has opted out of by then is found among them alone.
pub const MOST_READ: usize = 1000;
/// Characters of a body that a digest shows.
const MOST_BODY: usize = 300;
/// Most bytes of what a digest says: an item of DynamoDB has 400 KB.
const MOST_BYTES: usize = 300 * 1024;

/// In English, German, French and Spanish.
const BUILT_IN: &str = include_str!("digest/built_in.json");

/// When a user gets what can wait, in one mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestPreferences {
    /// How often.
    pub every: Every,
    /// When, by the clock of his time zone.
    pub at: TimeOfDay,
    /// On which day of the week; Monday where he does not say. Only of a weekly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekday: Option<Weekday>,
    /// What of: e-mail, so far.
    #[serde(default = "by_mail")]
    pub channels: Vec<Channel>,
}

/// How often there is a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Every {
    Daily,
    Weekly,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Weekday {
    Monday = 1,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A notification that waits for a digest, as that will show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestItem {
    /// Whose user.
    pub tenant: String,
    /// The user.
    pub user: String,
    /// The end of the period that it was collected in.
    #[serde(with = "millis")]
    pub until: Instant,
    /// The notification.
    pub notification: String,
    /// What it is about.
    pub kind: String,
    /// Its headline.
    pub title: String,
    /// The beginning of its text.
    pub body: String,
    /// When it was accepted.
    #[serde(with = "millis")]
    pub created_at: Instant,
    /// When it is forgotten, in seconds since the epoch.
    pub purge_at: i64,
}

/// A user's digest while it is collected, and afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestPeriod {
    /// Whose user.
    pub tenant: String,
    /// The user.
    pub user: String,
    /// Its end: when it is due.
    #[serde(with = "millis")]
    pub until: Instant,
    /// Notifications in it.
    pub count: usize,
    /// When it took in the last one.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Instant>,
    /// When it is forgotten, in seconds since the epoch.
    pub purge_at: i64,
}

/// The worker's message: a digest is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestErrand {
    /// Version of this shape.
    pub v: u8,
    /// Whose.
    pub tenant: String,
    /// For which user.
    pub user: String,
    /// The end of its period.
    #[serde(with = "millis")]
    pub until: Instant,
}

/// What a worker is told to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Task {
    /// A delivery.
    Delivery(Errand),
    /// A digest.
    Digest(DigestErrand),
}

fn by_mail() -> Vec<Channel> {
    vec![Channel::Email]
}

impl Task {
    /// What it is about, for logs.
    pub fn name(&self) -> String {
        match self {
            Self::Delivery(errand) => errand.notification.clone(),
            Self::Digest(errand) => format!("the digest of {}", errand.until),
        }
    }

    /// Whose it is.
    pub fn tenant(&self) -> &str {
        match self {
            Self::Delivery(errand) => &errand.tenant,
            Self::Digest(errand) => &errand.tenant,
        }
    }

    /// In which queue it goes. Nobody waits for a digest by the second.
    pub fn priority(&self) -> Priority {
        match self {
            Self::Delivery(errand) => errand.priority,
            Self::Digest(_) => Priority::Normal,
        }
    }
}

impl DigestPreferences {
    /// Holds them to what there is.
    ///
    /// # Errors
    /// What is wrong.
    pub fn validate(&self) -> Result<(), &'static str> {
        if self.channels != [Channel::Email] {
            return Err("a digest is of the channel email alone");
        }
        match (self.every, self.weekday) {
            (Every::Daily, Some(_)) => Err("a daily digest has no weekday"),
            _ => Ok(()),
        }
    }

    /// When the next one after `after` is due.
    pub fn next(&self, zone: &Zone, after: Instant) -> Instant {
        let weekday = match self.every {
            Every::Daily => None,
            Every::Weekly => Some(self.weekday.unwrap_or(Weekday::Monday) as u8),
        };
        next_local(self.at, zone, after, weekday)
    }
}

impl Preferences {
    /// When the digest is due that takes a notification in instead of its own delivery; none where it goes by itself.
    /// What is critical or high is never held back, nor what would be stale by then.
    pub fn digest_until(&self, notification: &Notification, channel: Channel, now: Instant) -> Option<Instant> {
        let digest = self.digest.as_ref().filter(|digest| digest.channels.contains(&channel))?;
        let wanted = self.types.get(&notification.kind).is_none_or(|wishes| wishes.digest);
        let can_wait = matches!(notification.priority, Priority::Normal | Priority::Low) && !notification.digest;
        let until = Some(digest.next(&self.time_zone, now)).filter(|_| wanted && can_wait)?;
        notification.expires_at.is_none_or(|at| at > until).then_some(until)
    }
}

impl DigestItem {
    /// What a digest due at `until` will show of a notification.
    pub fn of(notification: &Notification, until: Instant) -> Self {
        let body = &notification.content.body;
        let body = match body.char_indices().nth(MOST_BODY) {
            Some((end, _)) => format!("{}…", &body[..end]),
            None => body.clone(),
        };
        Self {
            tenant: notification.tenant.clone(),
            user: notification.user.clone(),
            until,
            notification: notification.id.clone(),
            kind: notification.kind.clone(),
            title: notification.content.title.clone(),
            body,
            created_at: notification.created_at,
            purge_at: (until + super::KEPT).seconds(),
        }
    }

    /// The worker's message for its digest.
    pub fn errand(&self) -> DigestErrand {
        DigestErrand { v: 1, tenant: self.tenant.clone(), user: self.user.clone(), until: self.until }
    }
}

/// What a digest of these says: by the tenant's template `digest`, or, where there is none or it does not render, by
/// the built-in one. It lists fewer where it would be too long. Answers also whether it is by `own`.
///
/// # Errors
/// When the built-in one does not render either.
pub fn render(
    own: Option<&Template>,
    locale: Option<&Locale>,
    items: &[DigestItem],
    count: usize,
) -> Result<(Rendered, bool), TemplateError> {
    if let Some(Ok(rendered)) = own.map(|own| fitting(own, locale, items, count)) {
        return Ok((rendered, true));
    }
    Ok((fitting(built_in()?, locale, items, count)?, false))
}

/// Halves what is listed until it fits.
fn fitting(
    template: &Template,
    locale: Option<&Locale>,
    items: &[DigestItem],
    count: usize,
) -> Result<Rendered, TemplateError> {
    let mut listed = items.len().min(MOST_LISTED);
    loop {
        let rendered = match template.render(locale, &variables(&items[..listed], count)) {
            Ok((_, rendered)) if bytes(&rendered) <= MOST_BYTES => return Ok(rendered),
            Ok(_) => Err(TemplateError::TooLong { place: DIGEST.to_owned() }),
            Err(refusal @ (TemplateError::TooLong { .. } | TemplateError::Costly { .. })) => Err(refusal),
            Err(refusal) => return Err(refusal),
        };
        if listed == 0 {
            return rendered;
        }
        listed /= 2;
    }
}

fn bytes(rendered: &Rendered) -> usize {
    let parts = [&rendered.subject, &rendered.html, &rendered.text, &rendered.sms];
    let parts = parts.into_iter().flatten().map(String::len).sum::<usize>();
    rendered.title.len() + rendered.body.len() + parts
}

fn variables(items: &[DigestItem], count: usize) -> Map<String, Value> {
    let item =
        |it: &DigestItem| json!({"title": it.title, "body": it.body, "type": it.kind, "created_at": it.created_at});
    let items = items.iter().map(item).collect::<Vec<_>>();
    let variables = BTreeMap::from([("count", json!(count)), ("items", json!(items))]);
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn built_in() -> Result<&'static Template, TemplateError> {
    static TEMPLATE: LazyLock<Result<Template, String>> =
        LazyLock::new(|| serde_json::from_str(BUILT_IN).map_err(|error| error.to_string()));
    let failed = |message: &String| TemplateError::Failed { place: DIGEST.to_owned(), message: message.clone() };
    TEMPLATE.as_ref().map_err(failed)
}

#[cfg(test)]
mod tests;
