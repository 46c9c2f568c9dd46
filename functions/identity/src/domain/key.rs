//! API keys and the rules of giving them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::time::{millis, opt_millis};
use types::{Instant, Tier};

use super::grant::{Draft, Issuer, KeyError, is_scope};
use super::owner::is_owner;

/// How long a revoked or expired key stays visible to its owner.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Longest life of a key that has an end.
const MOST_TTL: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Longest time that a rotated key goes on working.
pub const MOST_GRACE: Duration = Duration::from_secs(7 * 24 * 3600);
/// A key's use is written down at most this often.
pub const USE_NOTED_EVERY: Duration = Duration::from_secs(60);
/// Longest name, in characters.
pub const NAME_CHARACTERS: usize = 100;
/// Most scopes of a key.
pub const MOST_SCOPES: usize = 50;

/// An API key as stored: everything but the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The public half.
    pub id: String,
    /// Keyed hash of the whole key.
    pub hash: String,
    /// The tenant that the key speaks for.
    pub owner: String,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// What its owner pays for.
    pub tier: Tier,
    /// When it was issued.
    #[serde(with = "millis")]
    pub created_at: Instant,
    /// From when on it is no good.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When it was revoked.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Instant>,
    /// The key that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
    /// When it was last used, to the minute or so.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Instant>,
}

impl ApiKey {
    /// Issues the key whose credential hashes to `hash`.
    ///
    /// # Errors
    /// When the draft breaks a rule, or asks for more than the issuer holds.
    pub fn issue(issuer: &Issuer, draft: Draft, id: &str, hash: String, now: Instant) -> Result<Self, KeyError> {
        let Draft { owner, name, mut scopes, tier, ttl_seconds, expires_at } = draft;
        let owner = owner.unwrap_or_else(|| issuer.id.clone());
        let tier = tier.unwrap_or(issuer.tier);
        if (owner != issuer.id || tier != issuer.tier) && !issuer.holds("admin") {
            return Err(KeyError::AdminNeeded);
        }
        if !(1..=NAME_CHARACTERS).contains(&name.trim().chars().count()) || !is_owner(&owner) {
            return Err(KeyError::Name);
        }
        scopes.sort();
        let repeated = scopes.windows(2).any(|pair| pair[0] == pair[1]);
        if repeated || !(1..=MOST_SCOPES).contains(&scopes.len()) || !scopes.iter().all(|scope| is_scope(scope)) {
            return Err(KeyError::Scopes);
        }
        if let Some(scope) = scopes.iter().find(|scope| !issuer.holds(scope)) {
            return Err(KeyError::ScopeNotHeld(scope.clone()));
        }
        let expires_at = match (ttl_seconds, expires_at) {
            (Some(_), Some(_)) => return Err(KeyError::Expiry),
            (Some(seconds), None) => Some(now + Duration::from_secs(seconds)),
            (None, at) => at.or(issuer.ends),
        };
        if issuer.outlived_by(expires_at) {
            return Err(KeyError::Expiry);
        }
        if expires_at.is_some_and(|at| at < now + Duration::from_secs(1) || at > now + MOST_TTL) {
            return Err(KeyError::Expiry);
        }
        let (revoked_at, replaced_by, last_used_at) = (None, None, None);
        let (id, created_at) = (id.to_owned(), now);
        Ok(Self { id, hash, owner, name, scopes, tier, created_at, expires_at, revoked_at, replaced_by, last_used_at })
    }

    /// The successor of this key, with the same rights, and until when this one goes on. Who asks receives those
    /// rights, and so must hold them.
    ///
    /// # Errors
    /// When the caller holds less than the key, the key is no good any more, or the grace is too long.
    pub fn rotate(
        &self,
        caller: &Issuer,
        id: &str,
        hash: String,
        grace: Duration,
        now: Instant,
    ) -> Result<(Self, Instant), KeyError> {
        if let Some(scope) = self.scopes.iter().find(|scope| !caller.holds(scope)) {
            return Err(KeyError::ScopeNotHeld(scope.clone()));
        }
        if caller.outlived_by(self.expires_at) {
            return Err(KeyError::Expiry);
        }
        if !self.is_active(now) || self.replaced_by.is_some() {
            return Err(KeyError::NotActive);
        }
        if grace > MOST_GRACE {
            return Err(KeyError::Grace);
        }
        let ends = self.expires_at.map_or(now + grace, |at| at.min(now + grace));
        let successor = Self { id: id.to_owned(), hash, created_at: now, last_used_at: None, ..self.clone() };
        Ok((successor, ends))
    }

    /// Whether it opens anything.
    pub fn is_active(&self, now: Instant) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }

    /// When it is forgotten.
    pub fn forgotten_at(&self) -> Option<Instant> {
        self.revoked_at.into_iter().chain(self.expires_at).min().map(|at| at + KEPT)
    }

    /// The key, if it is the caller's or the caller is an admin: what is not yours does not exist.
    ///
    /// # Errors
    /// [`KeyError::NotFound`].
    pub fn of(self, caller: &Issuer, now: Instant) -> Result<Self, KeyError> {
        let forgotten = self.forgotten_at().is_some_and(|at| at <= now);
        let visible = self.owner == caller.id || caller.holds("admin");
        if visible && !forgotten { Ok(self) } else { Err(KeyError::NotFound) }
    }

    /// Whether this use should be written down.
    pub fn use_is_news(&self, now: Instant) -> bool {
        self.last_used_at.is_none_or(|at| at + USE_NOTED_EVERY <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Instant = Instant::from_seconds(1_800_000_000);

    fn alice() -> Issuer {
        let scopes = ["keys:write", "links:read", "links:write"].map(str::to_owned).to_vec();
        Issuer { id: "alice".to_owned(), scopes, tier: Tier::Basic, ends: None }
    }

    fn draft(scopes: &[&str]) -> Draft {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        Draft { owner: None, name: "ci".to_owned(), scopes, tier: None, ttl_seconds: None, expires_at: None }
    }

    fn issue(issuer: &Issuer, draft: Draft) -> Result<ApiKey, KeyError> {
        ApiKey::issue(issuer, draft, "0123456789ab", "hash".to_owned(), NOW)
    }

    #[test]
    fn nobody_gives_more_than_they_hold() {
        let admin = Issuer { scopes: vec!["admin".to_owned()], ..alice() };
        let not_held = |scope: &str| Err(KeyError::ScopeNotHeld(scope.to_owned()));
        assert!(issue(&alice(), draft(&["links:read"])).is_ok());
        assert_eq!(issue(&alice(), draft(&["keys:read"])), not_held("keys:read"));
        assert_eq!(issue(&alice(), draft(&["admin"])), not_held("admin"));
        assert_eq!(
            issue(&alice(), Draft { owner: Some("bob".to_owned()), ..draft(&["links:read"]) }),
            Err(KeyError::AdminNeeded)
        );
        assert_eq!(
            issue(&alice(), Draft { tier: Some(Tier::Enterprise), ..draft(&["links:read"]) }),
            Err(KeyError::AdminNeeded)
        );
        assert!(
            issue(&admin, Draft { owner: Some("bob".to_owned()), tier: Some(Tier::Free), ..draft(&["x:y"]) }).is_ok()
        );
    }

    #[test]
    fn no_key_outlives_the_key_that_issued_it() {
        let brief = Issuer { ends: Some(NOW + Duration::from_secs(60)), ..alice() };
        let ends =
            |ttl_seconds| issue(&brief, Draft { ttl_seconds, ..draft(&["links:read"]) }).map(|key| key.expires_at);
        assert_eq!(ends(None), Ok(brief.ends));
        assert_eq!(ends(Some(30)), Ok(Some(NOW + Duration::from_secs(30))));
        assert_eq!(ends(Some(61)), Err(KeyError::Expiry));
        let eternal = issue(&alice(), draft(&["links:read"])).unwrap();
        let rotated = eternal.rotate(&brief, "b", String::new(), Duration::ZERO, NOW);
        assert_eq!(rotated, Err(KeyError::Expiry), "nor by rotation");
    }

    #[test]
    fn what_a_draft_may_not_be() {
        assert_eq!(issue(&alice(), draft(&[])), Err(KeyError::Scopes));
        assert_eq!(issue(&alice(), draft(&["links:read", "links:read"])), Err(KeyError::Scopes));
        assert_eq!(issue(&alice(), draft(&["links read"])), Err(KeyError::Scopes));
        assert_eq!(issue(&alice(), Draft { name: "  ".to_owned(), ..draft(&["links:read"]) }), Err(KeyError::Name));
        let admin = Issuer { scopes: vec!["admin".to_owned()], ..alice() };
        assert_eq!(issue(&admin, Draft { owner: Some("a#b".to_owned()), ..draft(&["x:y"]) }), Err(KeyError::Name));
        assert_eq!(issue(&alice(), Draft { ttl_seconds: Some(0), ..draft(&["links:read"]) }), Err(KeyError::Expiry));
        let both = Draft { ttl_seconds: Some(9), expires_at: Some(NOW), ..draft(&["links:read"]) };
        assert_eq!(issue(&alice(), both), Err(KeyError::Expiry));
    }

    #[test]
    fn rotation_keeps_the_rights_and_ends_the_old_key() {
        let key = issue(&alice(), draft(&["links:read"])).unwrap();
        let rotate = |key: &ApiKey, caller: &Issuer, grace| key.rotate(caller, "b", "h2".to_owned(), grace, NOW);
        let (next, ends) = rotate(&key, &alice(), Duration::from_secs(60)).unwrap();
        assert_eq!((&next.scopes, &next.owner, ends), (&key.scopes, &key.owner, NOW + Duration::from_secs(60)));
        let revoked = ApiKey { revoked_at: Some(NOW), ..key.clone() };
        assert_eq!(rotate(&revoked, &alice(), Duration::ZERO), Err(KeyError::NotActive));
        let lesser = Issuer { scopes: vec!["keys:write".to_owned()], ..alice() };
        let not_held = Err(KeyError::ScopeNotHeld("links:read".to_owned()));
        assert_eq!(rotate(&key, &lesser, Duration::ZERO), not_held, "rotation is no way to more rights");
        assert_eq!(rotate(&key, &alice(), MOST_GRACE + Duration::from_secs(1)), Err(KeyError::Grace));
    }

    proptest! {
        #[test]
        fn an_expired_or_revoked_key_is_never_active(
            ttl in 1..1_000_000_u64,
            late in 0..u64::MAX,
            revoked in any::<bool>(),
        ) {
            let mut key = issue(&alice(), Draft { ttl_seconds: Some(ttl), ..draft(&["links:read"]) }).unwrap();
            prop_assert!(key.is_active(NOW));
            if revoked {
                key.revoked_at = Some(NOW);
                prop_assert!(!key.is_active(NOW));
            }
            prop_assert!(!key.is_active(NOW + Duration::from_secs(ttl) + Duration::from_millis(late)));
        }
    }
}
