//! A key as its owner sees it.

use schemars::JsonSchema;
use serde::Serialize;
use types::{Instant, Tier, random};
use web::{Caller, Problem};

use crate::App;
use crate::domain::{ApiKey, Credential, ID_CHARACTERS, Issuer, KeyError, SECRET_CHARACTERS};

/// The JSON of a key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub struct KeyView {
    id: String,
    owner: String,
    name: String,
    scopes: Vec<String>,
    tier: Tier,
    active: bool,
    created_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Instant>,
}

/// A new key and, this once, the key itself.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Issued {
    /// The key's description.
    pub key: KeyView,
    /// The key. Absent when an idempotent request is repeated: it is shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl KeyView {
    /// The JSON of `key` at `now`.
    pub fn of(key: ApiKey, now: Instant) -> Self {
        let active = key.is_active(now);
        let ApiKey {
            id, owner, name, scopes, tier, created_at, expires_at, revoked_at, replaced_by, last_used_at, ..
        } = key;
        Self { id, owner, name, scopes, tier, active, created_at, expires_at, revoked_at, replaced_by, last_used_at }
    }
}

impl App {
    /// The key that a path names, if `caller` may see it: one strongly consistent read.
    ///
    /// # Errors
    /// 404 for any other.
    pub(crate) async fn key_of(&self, caller: &Issuer, id: &str, now: Instant) -> Result<ApiKey, Problem> {
        let key = self.store.find(Credential::id_of_path(id)?).await?;
        Ok(key.ok_or(KeyError::NotFound)?.of(caller, now)?)
    }

    /// A fresh random credential.
    pub(crate) fn credential(&self) -> Credential {
        Credential::new(&random::base62(ID_CHARACTERS), &random::base62(SECRET_CHARACTERS))
    }
}

impl From<Caller> for Issuer {
    fn from(caller: Caller) -> Self {
        Self { id: caller.id, scopes: caller.scopes, tier: caller.tier, ends: caller.ends }
    }
}
