//! A link: who claimed it, where it leads, until when it opens.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::time::{millis, opt_millis};
use types::{Instant, OnceRefusal};

use super::{Code, Target, TargetError};

/// Longest title, in characters.
const TITLE_CHARACTERS: usize = 200;
/// Most tags, and the longest of them in characters.
const TAGS: (usize, usize) = (10, 50);
/// Longest life a caller may ask for: 10 years (guide 000's retention).
const MOST_TTL: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// How long an expired or disabled code answers 410 and stays reserved, before it is forgotten (404) and free again.
pub(crate) const GRACE: Duration = Duration::from_secs(30 * 24 * 3600);

/// A short link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its code.
    pub code: Code,
    /// Where it leads.
    pub url: Target,
    /// The caller who claimed it.
    pub owner: String,
    /// When it was claimed.
    #[serde(with = "millis")]
    pub created_at: Instant,
    /// From when on it does not open.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When its owner disabled it.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Instant>,
    /// When the sweep saw that it had expired, and so told the others. No rule reads it.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub swept_at: Option<Instant>,
    /// A title for its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Labels for its owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// What a caller wishes for.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where it shall lead.
    pub url: Target,
    /// How long it shall live, in seconds …
    pub ttl_seconds: Option<u64>,
    /// … or until when.
    pub expires_at: Option<Instant>,
    /// A title.
    pub title: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
}

/// Whether a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum State {
    Active,
    Expired,
    Disabled,
}

/// Every way in which this system refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum LinkError {
    #[error("a code is 3 to 32 of A-Z, a-z, 0-9, _ and -")]
    CodeInvalid,
    #[error("the code is a reserved word")]
    CodeReserved,
    #[error("the code belongs to another link")]
    CodeTaken,
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("a link lives for at least a second and at most 10 years; give ttl_seconds or expires_at, not both")]
    Expiry,
    #[error("a title has at most 200 characters")]
    Title,
    #[error("a link has at most 10 different tags of 1 to 50 characters")]
    Tags,
    #[error("there is no such link")]
    NotFound,
    #[error("the link expired")]
    Expired { at: Instant },
    #[error("the link was disabled")]
    Disabled { at: Instant },
    #[error(transparent)]
    Once(#[from] OnceRefusal),
}

impl Link {
    /// Claims `code` for `owner`. Without a wish of the caller's, a link lives for `default_ttl`, or for ever if there
    /// is none.
    ///
    /// # Errors
    /// When the draft breaks a rule.
    pub fn claim(
        owner: String,
        code: Code,
        draft: Draft,
        default_ttl: Option<Duration>,
        now: Instant,
    ) -> Result<Self, LinkError> {
        let expires_at = match (draft.ttl_seconds, draft.expires_at) {
            (Some(_), Some(_)) => return Err(LinkError::Expiry),
            (Some(seconds), None) => Some(now + Duration::from_secs(seconds)),
            (None, Some(at)) => Some(at),
            (None, None) => default_ttl.map(|ttl| now + ttl),
        };
        if expires_at.is_some_and(|at| at < now + Duration::from_secs(1) || at > now + MOST_TTL) {
            return Err(LinkError::Expiry);
        }
        if draft.title.as_ref().is_some_and(|title| title.chars().count() > TITLE_CHARACTERS) {
            return Err(LinkError::Title);
        }
        let mut tags = draft.tags;
        tags.sort();
        let repeated = tags.windows(2).any(|pair| pair[0] == pair[1]);
        let fits = |tag: &String| (1..=TAGS.1).contains(&tag.chars().count());
        if repeated || tags.len() > TAGS.0 || !tags.iter().all(fits) {
            return Err(LinkError::Tags);
        }
        let (disabled_at, swept_at) = (None, None);
        Ok(Self {
            code,
            url: draft.url,
            owner,
            created_at: now,
            expires_at,
            disabled_at,
            swept_at,
            title: draft.title,
            tags,
        })
    }

    /// Opens the link.
    ///
    /// # Errors
    /// Disabled or expired: it was there, and does not open. Forgotten: it counts as never having been.
    pub fn follow(&self, now: Instant) -> Result<&Target, LinkError> {
        if self.forgotten_at().is_some_and(|at| at <= now) {
            return Err(LinkError::NotFound);
        }
        if let Some(at) = self.disabled_at {
            return Err(LinkError::Disabled { at });
        }
        match self.expires_at {
            Some(at) if at <= now => Err(LinkError::Expired { at }),
            _ => Ok(&self.url),
        }
    }

    /// Whether it opens.
    pub fn state(&self, now: Instant) -> State {
        match self.follow(now) {
            Ok(_) => State::Active,
            Err(LinkError::Disabled { .. }) => State::Disabled,
            Err(_) => State::Expired,
        }
    }

    /// When it is forgotten and its code is free.
    pub fn forgotten_at(&self) -> Option<Instant> {
        self.disabled_at.into_iter().chain(self.expires_at).min().map(|at| at + GRACE)
    }

    /// The link, if it is `caller`'s and not forgotten: what is not yours does not exist.
    ///
    /// # Errors
    /// [`LinkError::NotFound`].
    pub fn of(self, caller: &str, now: Instant) -> Result<Self, LinkError> {
        let forgotten = self.forgotten_at().is_some_and(|at| at <= now);
        if self.owner == caller && !forgotten { Ok(self) } else { Err(LinkError::NotFound) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Instant = Instant::from_seconds(1_800_000_000);

    fn draft(ttl_seconds: Option<u64>, expires_at: Option<Instant>) -> Draft {
        let url = Target::parse("https://a.example/", &[]).unwrap();
        Draft { url, ttl_seconds, expires_at, title: None, tags: vec![] }
    }

    fn claim(draft: Draft) -> Result<Link, LinkError> {
        Link::claim("alice".to_owned(), "cat".parse().unwrap(), draft, None, NOW)
    }

    #[test]
    fn what_a_draft_may_not_be() {
        assert_eq!(claim(draft(Some(60), Some(NOW))), Err(LinkError::Expiry));
        assert_eq!(claim(draft(Some(0), None)), Err(LinkError::Expiry));
        assert_eq!(claim(draft(None, Some(NOW - Duration::from_secs(1)))), Err(LinkError::Expiry));
        assert_eq!(claim(draft(Some(u64::MAX), None)), Err(LinkError::Expiry));
        assert_eq!(claim(Draft { title: Some("x".repeat(201)), ..draft(None, None) }), Err(LinkError::Title));
        assert_eq!(claim(Draft { tags: vec!["a".to_owned(); 2], ..draft(None, None) }), Err(LinkError::Tags));
        assert_eq!(claim(Draft { tags: vec![String::new()], ..draft(None, None) }), Err(LinkError::Tags));
        assert!(claim(Draft { title: Some("ü".repeat(200)), ..draft(Some(1), None) }).is_ok());
    }

    proptest! {
        #[test]
        fn an_expired_link_never_opens_at_any_clock(
            ttl in 1..100_000_000_u64,
            late in 0..u64::MAX,
            disabled in proptest::option::of(0..100_000_000_u64),
        ) {
            let mut link = claim(draft(Some(ttl), None)).unwrap();
            let end = NOW + Duration::from_secs(ttl);
            prop_assert!(link.follow(end - Duration::from_millis(1)).is_ok());
            link.disabled_at = disabled.map(|after| NOW + Duration::from_secs(after));
            prop_assert!(link.follow(end + Duration::from_millis(late)).is_err());
        }

        #[test]
        fn a_forgotten_link_is_as_if_it_had_never_been(ttl in 1..100_000_000_u64, late in 0..u64::MAX) {
            let link = claim(draft(Some(ttl), None)).unwrap();
            let at = link.forgotten_at().unwrap() + Duration::from_millis(late);
            prop_assert_eq!(link.follow(at), Err(LinkError::NotFound));
            prop_assert_eq!(link.of("alice", at), Err(LinkError::NotFound));
        }
    }
}
