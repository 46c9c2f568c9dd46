//! API keys: who may issue which, what one looks like, when it is good.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::secret::PurposeKey;
use types::time::{millis, opt_millis};
use types::{Instant, OnceRefusal, Tier};

/// Marks our keys, for people and for secret scanners.
const MARK: &str = "alm";
/// Characters of the public half, by which a key is found.
pub const ID_CHARACTERS: usize = 12;
/// Characters of the secret half: 190 bits.
pub const SECRET_CHARACTERS: usize = 32;
/// How long a revoked or expired key stays visible to its owner.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Longest life of a key that has an end.
const MOST_TTL: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Longest time that a rotated key goes on working.
const MOST_GRACE: Duration = Duration::from_secs(7 * 24 * 3600);
/// A key's use is written down at most this often.
pub const USE_NOTED_EVERY: Duration = Duration::from_secs(60);
/// Longest name and owner, in characters; most scopes.
const NAME_CHARACTERS: usize = 100;
const MOST_SCOPES: usize = 50;

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

/// A key as its holder sends it. Never stored, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    id: String,
    whole: String,
}

/// Who asks for a key, and so what may be given.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// The tenant.
    pub id: String,
    /// The scopes held; `admin` holds all.
    pub scopes: Vec<String>,
    /// The tier held.
    pub tier: Tier,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Whom the key shall speak for; only `admin` names another than itself.
    pub owner: Option<String>,
    /// Its name.
    pub name: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Its tier; only `admin` names another than its own.
    pub tier: Option<Tier>,
    /// Its life in seconds …
    pub ttl_seconds: Option<u64>,
    /// … or its end.
    pub expires_at: Option<Instant>,
}

/// Every way in which this system refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum KeyError {
    #[error("a name has 1 to 100 characters, an owner 1 to 100 of A-Z, a-z, 0-9 and : . _ @ -")]
    Name,
    #[error("a key has 1 to 50 different scopes such as links:read, or admin")]
    Scopes,
    #[error("one can give only the scopes that one holds; not held: {0}")]
    ScopeNotHeld(String),
    #[error("only an admin key gives keys for another owner or tier")]
    AdminNeeded,
    #[error("a key lives for at least a second and at most 10 years; give ttl_seconds or expires_at, not both")]
    Expiry,
    #[error("a rotated key goes on for at most 7 days")]
    Grace,
    #[error("there is no such key")]
    NotFound,
    #[error("the key is revoked, expired or replaced already")]
    NotActive,
    #[error(transparent)]
    Once(#[from] OnceRefusal),
}

impl Credential {
    /// A new key from random characters: `id` and `secret` are base62.
    pub fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), whole: format!("{MARK}_{id}_{secret}") }
    }

    /// Reads a key; `None` for anything that cannot be one, which costs no look-up.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(MARK)?.strip_prefix('_')?.split_once('_')?;
        let base62 = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (base62(id, ID_CHARACTERS) && base62(secret, SECRET_CHARACTERS))
            .then(|| Self { id: id.to_owned(), whole: text.to_owned() })
    }

    /// The public half.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The whole key, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.whole
    }

    /// Whether `key` is this credential's, compared in constant time.
    pub fn matches(&self, key: &ApiKey, hashing: &PurposeKey) -> bool {
        hashing.verify_text(self.whole.as_bytes(), &key.hash)
    }

    /// What is stored in its place.
    pub fn hash(&self, key: &PurposeKey) -> String {
        key.mac_text(self.whole.as_bytes())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, …)", self.id)
    }
}

impl Issuer {
    fn holds(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope || own == "admin")
    }
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
            (None, at) => at,
        };
        if expires_at.is_some_and(|at| at < now + Duration::from_secs(1) || at > now + MOST_TTL) {
            return Err(KeyError::Expiry);
        }
        let (revoked_at, replaced_by, last_used_at) = (None, None, None);
        let (id, created_at) = (id.to_owned(), now);
        Ok(Self { id, hash, owner, name, scopes, tier, created_at, expires_at, revoked_at, replaced_by, last_used_at })
    }

    /// The successor of this key, with the same rights, and until when this one goes on.
    ///
    /// # Errors
    /// When this one is no good any more, or the grace is too long.
    pub fn rotate(&self, id: &str, hash: String, grace: Duration, now: Instant) -> Result<(Self, Instant), KeyError> {
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

/// Owners become parts of keys, so they hold none of the characters that separate those.
fn is_owner(owner: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b":._@-".contains(&byte);
    (1..=NAME_CHARACTERS).contains(&owner.len()) && owner.bytes().all(fits)
}

/// `admin`, or `noun:verb` in lower-case letters and hyphens.
fn is_scope(scope: &str) -> bool {
    let word = |text: &str| {
        (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    scope == "admin" || scope.split_once(':').is_some_and(|(noun, verb)| word(noun) && word(verb))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Instant = Instant::from_seconds(1_800_000_000);

    fn alice() -> Issuer {
        let scopes = ["keys:write", "links:read", "links:write"].map(str::to_owned).to_vec();
        Issuer { id: "alice".to_owned(), scopes, tier: Tier::Basic }
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
        let (next, ends) = key.rotate("bbbbbbbbbbbb", "h2".to_owned(), Duration::from_secs(60), NOW).unwrap();
        assert_eq!((&next.scopes, &next.owner, ends), (&key.scopes, &key.owner, NOW + Duration::from_secs(60)));
        let revoked = ApiKey { revoked_at: Some(NOW), ..key.clone() };
        assert_eq!(revoked.rotate("c", String::new(), Duration::ZERO, NOW), Err(KeyError::NotActive));
        assert_eq!(key.rotate("c", String::new(), MOST_GRACE + Duration::from_secs(1), NOW), Err(KeyError::Grace));
    }

    proptest! {
        #[test]
        fn only_a_whole_key_parses(text in "(alm_)?[A-Za-z0-9_]{0,60}") {
            let parsed = Credential::parse(&text);
            if let Some(credential) = &parsed {
                prop_assert_eq!(credential.reveal(), &text);
                let printed = format!("{credential:?}");
                prop_assert!(!printed.contains(&text[17..]));
            }
            prop_assert_eq!(parsed.is_some(), text.len() == 49 && text.starts_with("alm_") && text.as_bytes()[16] == b'_'
                && text[4..16].chars().chain(text[17..].chars()).all(|c| c.is_ascii_alphanumeric()));
        }

        #[test]
        fn an_expired_or_revoked_key_is_never_active(ttl in 1..1_000_000_u64, late in 0..u64::MAX, revoked in any::<bool>()) {
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
