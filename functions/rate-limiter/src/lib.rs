//! Rate limits as a service: policies, checks, reservations, statistics. The algorithms and their state are
//! `shared/limiter`'s, which every other system's routes use by themselves.

mod checks;
pub mod domain;
mod limits;
mod problems;
mod reservations;
mod stats;
mod store;
mod view;

mod handlers {
    pub mod check_health;
    pub mod check_limit;
    pub mod check_limits;
    pub mod delete_policy;
    pub mod get_policy;
    pub mod get_stats;
    pub mod list_policies;
    pub mod list_versions;
    pub mod peek_limit;
    pub mod put_policy;
    pub mod reconcile_units;
    pub mod reserve_units;
    pub mod reset_bucket;
}

use std::sync::Arc;
use std::time::Duration;

use aws::Sdk;
use aws::env::Env;
use limiter::{Limiter, Policies};
use runtime::{System, endpoint};
use types::{Clock, Fault};
use web::{Access, CursorKey, FromRef, Limits, Method};

use crate::checks::STATS_BUDGET;
use crate::limits::CHANGES;
use crate::stats::Stats;
use crate::store::Store;
use handlers::{
    check_health, check_limit, check_limits, delete_policy, get_policy, get_stats, list_policies, list_versions,
    peek_limit, put_policy, reconcile_units, reserve_units, reset_bucket,
};

const CHECK: Access = Access::Scope("limits:check");
const RESET: Access = Access::Scope("limits:reset");
const READ: Access = Access::Scope("policies:read");
const WRITE: Access = Access::Scope("policies:write");

/// The Lambdas of rate-limiter.
pub fn system() -> System<App> {
    System::named("rate-limiter")
        .problems(problems::ALL)
        .http("check_limit", Method::POST, "/check", CHECK, endpoint!(check_limit))
        .http("check_limits", Method::POST, "/check/batch", CHECK, endpoint!(check_limits))
        .http("reserve_units", Method::POST, "/reserve", CHECK, endpoint!(reserve_units))
        .http("reconcile_units", Method::POST, "/reconcile", CHECK, endpoint!(reconcile_units))
        .http("peek_limit", Method::GET, "/peek", CHECK, endpoint!(peek_limit))
        .http("reset_bucket", Method::DELETE, "/buckets/{policy}/{key}", RESET, endpoint!(reset_bucket))
        .http("list_policies", Method::GET, "/policies", READ, endpoint!(list_policies))
        .http("get_policy", Method::GET, "/policies/{id}", READ, endpoint!(get_policy))
        .http("put_policy", Method::PUT, "/policies/{id}", WRITE, endpoint!(put_policy))
        .limited(&CHANGES)
        .http("delete_policy", Method::DELETE, "/policies/{id}", WRITE, endpoint!(delete_policy))
        .limited(&CHANGES)
        .http("list_versions", Method::GET, "/policies/{id}/versions", READ, endpoint!(list_versions))
        .http("get_stats", Method::GET, "/policies/{id}/stats", READ, endpoint!(get_stats))
        .http("check_health", Method::GET, "/health", Access::Public, endpoint!(check_health))
        .openapi("get_openapi")
        .docs("get_docs")
        .unrouted("reject_request")
}

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    store: Store,
    limiter: Limiter,
    policies: Policies,
    stats: Arc<Stats>,
    stats_budget: Duration,
    signing: CursorKey,
    limits: Limits,
    clock: Clock,
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
        let table = dynamo::Table::new(sdk.dynamodb(), env.require("LIMITS_TABLE")?);
        let patience = env.parse_or("LIMITS_PATIENCE", 1_u32)?;
        let every = Duration::from_secs(env.parse_or("STATS_SECONDS", 10)?);
        Ok(Self {
            store: Store::new(table.clone()),
            limiter: Limiter::new(table.clone(), secret.key("limits")).patient(patience),
            policies: Policies::new(table).patient(patience),
            stats: Arc::new(Stats::new(every)),
            stats_budget: STATS_BUDGET * patience.max(1),
            signing: CursorKey::of(&secret),
            limits: Limits::from_env(env, &sdk, &secret, clock.clone(), "rate-limiter")?,
            clock,
        })
    }
}
