//! What is asked for, by whom, and how it is refused.

use types::{Instant, OnceRefusal, Tier};

/// Who asks for a key, and so what may be given.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// The tenant.
    pub id: String,
    /// The scopes held; `admin` holds all.
    pub scopes: Vec<String>,
    /// The tier held.
    pub tier: Tier,
    /// When the right to issue ends, if it does: no key outlives the key that issued it.
    pub ends: Option<Instant>,
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
    #[error("a name has 1 to 100 characters, an owner consists of A-Z, a-z, 0-9 and : . _ @ | % -")]
    Name,
    #[error("a key has 1 to 50 different scopes such as links:read, or admin")]
    Scopes,
    #[error("one can give only the scopes that one holds; not held: {0}")]
    ScopeNotHeld(String),
    #[error("only an admin key gives keys for another owner or tier")]
    AdminNeeded,
    #[error(
        "a key lives for at least a second and at most 10 years; give ttl_seconds or expires_at, not both; \
             and it ends no later than the key that asks"
    )]
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

impl Issuer {
    pub(super) fn outlived_by(&self, expires_at: Option<Instant>) -> bool {
        self.ends.is_some_and(|ends| expires_at.is_none_or(|at| at > ends))
    }

    pub(super) fn holds(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope || own == "admin")
    }
}

/// `admin`, or `noun:verb` in lower-case letters and hyphens.
pub(super) fn is_scope(scope: &str) -> bool {
    let word = |text: &str| {
        (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    scope == "admin" || scope.split_once(':').is_some_and(|(noun, verb)| word(noun) && word(verb))
}
