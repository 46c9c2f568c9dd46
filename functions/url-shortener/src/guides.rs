//! Links under the names of the system-design guides, where they differ from ours and from each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Instant;
use web::{IdempotencyKey, Problem, RequestMeta};

use crate::App;
use crate::claims::Claimed;
use crate::domain::{Change, Link, LinkError, State};
use crate::requests::NewLink;

/// Guide 004's expiration: a date, or a time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Expiration {
    /// `2027-01-31T12:00:00Z`
    Time(Instant),
    /// `2027-01-31`
    #[schemars(with = "String", extend("format" = "date"))]
    Date(#[serde(deserialize_with = "date")] Instant),
}

/// The end of a day in UTC.
fn date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
    let text = String::deserialize(deserializer)?;
    let start: Result<Instant, _> = format!("{text}T00:00:00Z").parse();
    start.map(|start| start + std::time::Duration::from_secs(24 * 3600)).map_err(serde::de::Error::custom)
}

/// When the link ends: a date is the last day that it opens.
pub fn end(expiration: Option<Expiration>) -> Change<Instant> {
    Change::of(expiration.map(|(Expiration::Time(at) | Expiration::Date(at))| at))
}

/// A link as guide 000 shows it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ShortLink")]
pub struct ShortView {
    /// The last part of its short URL.
    pub short_code: String,
    /// What to share.
    pub short_url: String,
    /// Where it leads.
    pub original_url: String,
    /// When it was claimed.
    pub created_at: Instant,
    /// From when on it does not open; null for never.
    pub expires_at: Option<Instant>,
    /// Whether it opens.
    pub is_active: bool,
}

impl App {
    /// The link as guide 000 shows it.
    pub(crate) fn short_view(&self, link: Link, meta: &RequestMeta) -> ShortView {
        ShortView {
            short_url: self.short_url(&link.code, meta),
            is_active: link.state(self.clock.now()) == State::Active,
            short_code: link.code.name().to_owned(),
            original_url: link.url.as_str().to_owned(),
            created_at: link.created_at,
            expires_at: link.expires_at,
        }
    }

    /// Makes a link at once or not at all.
    pub(crate) async fn make(
        &self,
        owner: &str,
        new: NewLink,
        meta: &RequestMeta,
        key: Option<IdempotencyKey>,
    ) -> Result<Link, Problem> {
        let once = key.map(|IdempotencyKey(once)| once);
        match self.create(owner, new, meta, once.as_ref()).await?? {
            Claimed::New(link) | Claimed::Known(link) => Ok(link),
            Claimed::Queued(_) => Err(LinkError::NotFound.into()), // only a patient claim is queued
        }
    }
}
