//! Who calls: API keys, tokens of an issuer, and the authorizer that every other system's API asks.

pub mod domain;
mod jwks;
mod jwt;
mod limits;
mod problems;
pub mod store;
mod view;

mod handlers {
    pub mod authorize;
    pub mod check_health;
    pub mod create_key;
    pub mod get_key;
    pub mod issue_key;
    pub mod list_keys;
    pub mod revoke_key;
    pub mod rotate_key;
}

use std::sync::Arc;

use aws::Sdk;
use aws::env::Env;
use runtime::{System, endpoint};
use types::secret::PurposeKey;
use types::{Clock, Fault};
use web::{Access, CursorKey, FromRef, Limits, Method};

use crate::jwt::Verifier;
use crate::limits::KEYS;
use crate::store::Store;
use handlers::authorize::Remembered;
use handlers::{authorize, check_health, create_key, get_key, issue_key, list_keys, revoke_key, rotate_key};

/// Identity's Lambdas.
pub fn system() -> System<App> {
    System::named("identity")
        .problems(problems::ALL)
        .http("create_key", Method::POST, "/keys", Access::Scope("keys:write"), endpoint!(create_key))
        .limited(&KEYS)
        .http("list_keys", Method::GET, "/keys", Access::Scope("keys:read"), endpoint!(list_keys))
        .http("get_key", Method::GET, "/keys/{id}", Access::Scope("keys:read"), endpoint!(get_key))
        .http("revoke_key", Method::DELETE, "/keys/{id}", Access::Scope("keys:write"), endpoint!(revoke_key))
        .http("rotate_key", Method::POST, "/keys/{id}/rotate", Access::Scope("keys:write"), endpoint!(rotate_key))
        .limited(&KEYS)
        .http("check_health", Method::GET, "/health", Access::Public, endpoint!(check_health))
        .openapi("get_openapi")
        .docs("get_docs")
        .unrouted("reject_request")
        .invoke("authorize", authorize::handle)
        .invoke("issue_key", issue_key::handle)
}

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    store: Store,
    hashing: PurposeKey,
    cursors: CursorKey,
    clock: Clock,
    verifier: Option<Arc<Verifier>>,
    user_scopes: Arc<[String]>,
    remembered: Arc<Remembered>,
    limits: Limits,
}

impl FromRef<App> for Limits {
    fn from_ref(app: &App) -> Self {
        app.limits.clone()
    }
}

impl App {
    /// Reads the template's variables; the clock is the system's, or a test's.
    ///
    /// # Errors
    /// When one is missing or unreadable.
    pub fn from_env(env: &Env, clock: Clock) -> Result<Self, Fault> {
        let (sdk, secret) = (Sdk::from_env(env)?, env.secret()?);
        let user_scopes = env.get("USER_SCOPES").unwrap_or_default();
        Ok(Self {
            limits: Limits::from_env(env, &sdk, &secret, clock.clone(), "identity")?,
            store: Store::new(dynamo::Table::new(sdk.dynamodb(), env.require("TABLE")?)),
            hashing: secret.key("api-keys"),
            cursors: CursorKey::of(&secret),
            clock,
            verifier: Verifier::from_env(env)?.map(Arc::new),
            user_scopes: user_scopes.split_whitespace().map(str::to_owned).collect(),
            remembered: Arc::default(),
        })
    }
}
