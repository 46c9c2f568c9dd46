//! A link: who claimed it, where it leads, until when and how often it opens.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Instant;
use types::time::{millis, opt_millis};

use super::{Code, Edit, LinkError, Password, RedirectStatus, Rule, Target, Utm, warning_before};

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
    /// Random, of the claim that made it: a claim that is sent again meets itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// When it was last changed.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Instant>,
    /// From when on it does not open.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When its owner disabled it.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Instant>,
    /// When the sweep saw that it had expired, and so told the others. No rule reads it.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub swept_at: Option<Instant>,
    /// When its owner is to be told that it expires soon; absent once that is done, and where nobody is to be told.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub warn_at: Option<Instant>,
    /// When the sweep saw that it expires soon, and so told its owner. No rule reads it.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub warned_at: Option<Instant>,
    /// A title for its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Labels for its owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How it redirects.
    #[serde(default, skip_serializing_if = "RedirectStatus::is_default")]
    pub redirect_status: RedirectStatus,
    /// How often it opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_clicks: Option<u64>,
    /// How often it has opened, while that is limited.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub used: u64,
    /// The last of its limited openings: one that is sent again is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_use: Option<String>,
    /// When it opened last, while that is limited.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Instant>,
    /// Where it leads once it expired or is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_url: Option<Target>,
    /// What a visitor must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// Whether the visitor's query goes along.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forward_query: bool,
    /// Whether what follows the code in the path goes along.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forward_path: bool,
    /// Campaign parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm: Option<Utm>,
    /// Where it leads instead, for some visitors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Whether a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum State {
    Active,
    Expired,
    UsedUp,
    Disabled,
}

impl Link {
    /// Claims `code` for `owner`. Without a wish of the caller's, a link lives for `default_ttl`, or for ever if there
    /// is none.
    ///
    /// # Errors
    /// When the wishes break a rule.
    pub fn claim(
        owner: String,
        code: Code,
        url: Target,
        wishes: Edit,
        default_ttl: Option<Duration>,
        now: Instant,
    ) -> Result<Self, LinkError> {
        let mut link = Self {
            code,
            url,
            owner,
            created_at: now,
            claim: None,
            updated_at: None,
            expires_at: default_ttl.map(|ttl| now + ttl),
            disabled_at: None,
            swept_at: None,
            warn_at: None,
            warned_at: None,
            title: None,
            tags: Vec::new(),
            redirect_status: RedirectStatus::default(),
            max_clicks: None,
            used: 0,
            last_use: None,
            used_at: None,
            fallback_url: None,
            password: None,
            forward_query: false,
            forward_path: false,
            utm: None,
            rules: Vec::new(),
        };
        wishes.checked(now)?.apply(&mut link);
        link.warn_at = link.expires_at.and_then(|end| warning_before(end, now));
        Ok(link)
    }

    /// Opens the link.
    ///
    /// # Errors
    /// Disabled, expired, used up: it was there, and does not open. Forgotten: it counts as never having been.
    pub fn open(&self, now: Instant) -> Result<(), LinkError> {
        if self.forgotten_at().is_some_and(|at| at <= now) {
            return Err(LinkError::NotFound);
        }
        if let Some(at) = self.disabled_at {
            return Err(LinkError::Disabled { at });
        }
        if let Some(at) = self.expires_at.filter(|&at| at <= now) {
            return Err(LinkError::Expired { at });
        }
        match self.max_clicks {
            Some(max_clicks) if self.is_used_up() => Err(LinkError::UsedUp { max_clicks }),
            _ => Ok(()),
        }
    }

    /// Whether both come from one claim, whatever changed since.
    pub fn is_claim_of(&self, other: &Self) -> bool {
        self.code == other.code && self.claim.is_some() && self.claim == other.claim
    }

    /// Whether it opened as often as it may.
    pub fn is_used_up(&self) -> bool {
        self.max_clicks.is_some_and(|most| most <= self.used)
    }

    /// Whether it opens.
    pub fn state(&self, now: Instant) -> State {
        match self.open(now) {
            Ok(()) => State::Active,
            Err(LinkError::Disabled { .. }) => State::Disabled,
            Err(LinkError::UsedUp { .. }) => State::UsedUp,
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
pub(super) mod tests {
    use super::super::Change;
    use super::*;
    use proptest::prelude::*;

    pub const NOW: Instant = Instant::from_seconds(1_800_000_000);

    pub fn link(url: &str) -> Link {
        let url = Target::parse(url, &[]).unwrap();
        Link::claim("alice".to_owned(), "cat".parse().unwrap(), url, Edit::default(), None, NOW).unwrap()
    }

    pub fn brief(ttl_seconds: u64) -> Link {
        let url = Target::parse("https://a.example/", &[]).unwrap();
        let wishes = Edit { expires_at: Change::Set(NOW + Duration::from_secs(ttl_seconds)), ..Edit::default() };
        Link::claim("alice".to_owned(), "cat".parse().unwrap(), url, wishes, None, NOW).unwrap()
    }

    #[test]
    fn a_link_opens_as_often_as_it_may() {
        let mut link = link("https://a.example/");
        (link.max_clicks, link.used) = (Some(2), 1);
        assert_eq!(link.open(NOW), Ok(()));
        link.used = 2;
        assert_eq!((link.open(NOW), link.state(NOW)), (Err(LinkError::UsedUp { max_clicks: 2 }), State::UsedUp));
    }

    #[test]
    fn a_claim_meets_itself_and_no_other_of_the_same_moment() {
        let cat = Link { claim: Some("one".to_owned()), ..link("https://a.example/") };
        assert!(Link { used: 3, ..cat.clone() }.is_claim_of(&cat), "whatever changed since");
        assert!(!Link { claim: Some("two".to_owned()), ..cat.clone() }.is_claim_of(&cat));
        assert!(!link("https://a.example/").is_claim_of(&link("https://a.example/")), "claims of the first version");
    }

    #[test]
    fn items_of_the_first_version_are_still_links() {
        let old = r#"{"code": "cat", "url": "https://a.example/", "owner": "alice", "created_at": 1800000000000}"#;
        let old: Link = serde_json::from_str(old).unwrap();
        assert_eq!(old, link("https://a.example/"));
        let stored = serde_json::to_value(&old).unwrap();
        assert_eq!(stored.as_object().map(serde_json::Map::len), Some(4), "what is not set is not stored");
    }

    proptest! {
        #[test]
        fn an_expired_link_never_opens_at_any_clock(
            ttl in 1..100_000_000_u64,
            late in 0..u64::MAX,
            disabled in proptest::option::of(0..100_000_000_u64),
        ) {
            let mut link = brief(ttl);
            let end = NOW + Duration::from_secs(ttl);
            prop_assert!(link.open(end - Duration::from_millis(1)).is_ok());
            link.disabled_at = disabled.map(|after| NOW + Duration::from_secs(after));
            prop_assert!(link.open(end + Duration::from_millis(late)).is_err());
            prop_assert_eq!(link.max_age(end + Duration::from_millis(late)), Duration::ZERO);
        }

        #[test]
        fn a_forgotten_link_is_as_if_it_had_never_been(ttl in 1..100_000_000_u64, late in 0..u64::MAX) {
            let link = brief(ttl);
            let at = link.forgotten_at().unwrap() + Duration::from_millis(late);
            prop_assert_eq!(link.open(at), Err(LinkError::NotFound));
            prop_assert_eq!(link.of("alice", at), Err(LinkError::NotFound));
        }
    }
}
