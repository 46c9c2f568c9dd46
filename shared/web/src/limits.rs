//! Rate limits of routes. A route names its policy in the SYSTEM table (`.limited(&CREATES)`); [`limit`] holds it to
//! that, behind its access and before its handler, and every answer tells how much is left.

mod headers;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws::Sdk;
use aws::env::Env;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use limiter::{CheckError, Decision, Limiter, Policies, Policy, Reason, Space, StoredPolicy, Subject};
use types::{Clock, Fault, Instant, Secret, Tier};

use crate::describe::{Input, Operation};
use crate::kind::shared;
use crate::{Caller, Problem, RequestMeta};

pub use headers::{problem, retry_after_seconds, tell};

/// A part of a request by which requests are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Who calls; where nobody is known to, the address.
    Caller,
    /// The client's address.
    Address,
    /// The host that was asked.
    Host,
    /// A parameter of the path.
    Path(&'static str),
    /// Everybody is one.
    Everybody,
}

/// Who takes from a route's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Each request takes a unit when it arrives; its handler may take more.
    OnArrival,
    /// The handler takes, by [`Units::take`], when it knows that there is something to limit.
    ByHandler,
}

/// What a route is limited by.
#[derive(Debug)]
pub struct RoutePolicy {
    /// Its id in the system: `creates`. Stored as `<system>.creates`, it replaces `policy` within 30 s.
    pub id: &'static str,
    /// How each dimension's key is made.
    pub keys: &'static [(&'static str, &'static [By])],
    /// What holds where none is stored.
    pub policy: fn() -> Policy,
    /// Who takes.
    pub takes: Takes,
}

/// A client, where a proxy stands before the API or several hosts are one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Viewer {
    /// Its address.
    pub address: String,
    /// What [`By::Host`] means.
    pub host: String,
}

type Viewers = Arc<dyn Fn(&RequestMeta) -> Viewer + Send + Sync>;

/// The limits of a system's routes.
#[derive(Clone)]
pub struct Limits {
    limiter: Limiter,
    policies: Policies,
    space: Arc<Space>,
    clock: Clock,
    viewers: Viewers,
}

impl Limits {
    /// The limits of `system`, in the table that `LIMITS_TABLE` names.
    ///
    /// # Errors
    /// When the variable is missing.
    pub fn from_env(env: &Env, sdk: &Sdk, secret: &Secret, clock: Clock, system: &str) -> Result<Self, Fault> {
        let table = dynamo::Table::new(sdk.dynamodb(), env.require("LIMITS_TABLE")?);
        let viewer = |meta: &RequestMeta| Viewer { address: meta.source_ip.clone(), host: meta.host.clone() };
        Ok(Self {
            limiter: Limiter::new(table.clone(), secret.key("limits")),
            policies: Policies::new(table),
            space: Arc::new(Space::System(system.to_owned())),
            clock,
            viewers: Arc::new(viewer),
        })
    }

    /// Believes another than API Gateway about the client.
    #[must_use]
    pub fn viewed_by(mut self, viewer: impl Fn(&RequestMeta) -> Viewer + Send + Sync + 'static) -> Self {
        self.viewers = Arc::new(viewer);
        self
    }

    async fn keys(&self, route: &RoutePolicy, parts: &mut Parts, caller: Option<&Caller>) -> BTreeMap<String, String> {
        let Ok(meta) = RequestMeta::from_request_parts(parts, &()).await;
        let path = RawPathParams::from_request_parts(parts, &()).await.ok();
        let Viewer { address, host } = (self.viewers)(&meta);
        let part = |by: &By| match by {
            By::Caller => caller.map_or_else(|| format!("address {address}"), |caller| caller.id.clone()),
            By::Address => address.clone(),
            By::Host => host.to_ascii_lowercase(),
            By::Path(name) => {
                let found = path.iter().flatten().find(|(own, _)| own == name);
                found.map(|(_, value)| value.to_owned()).unwrap_or_default()
            }
            By::Everybody => "everybody".to_owned(),
        };
        let key = |by: &&[By]| {
            let mut key = by.iter().map(part).collect::<Vec<_>>().join(" ");
            key.truncate(key.floor_char_boundary(limiter::MOST_KEY_BYTES));
            key
        };
        route.keys.iter().map(|(dimension, by)| ((*dimension).to_owned(), key(by))).collect()
    }
}

/// The stored policy, if it has the route's dimensions; else the route's own.
fn effective(route: &RoutePolicy, stored: Option<&StoredPolicy>) -> Policy {
    let Some(policy) = stored.and_then(|stored| stored.policy.as_ref()) else { return (route.policy)() };
    let known = |name: &str| route.keys.iter().any(|(dimension, _)| *dimension == name);
    let fits = policy.dimensions.len() == route.keys.len() && policy.dimensions.iter().all(|it| known(&it.name));
    if fits && policy.validate().is_ok() {
        return policy.clone();
    }
    tracing::warn!(policy = route.id, "the stored policy does not have the route's dimensions; the route's own holds");
    (route.policy)()
}

/// Holds a request to its route's limit.
pub async fn limit(limits: Limits, route: &'static RoutePolicy, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::of_parts(&parts).ok();
    let keys = limits.keys(route, &mut parts, caller.as_ref()).await;
    let tier = caller.map_or(Tier::Free, |caller| caller.tier);
    let now = limits.clock.now();
    let (policies, space) = (limits.policies.clone(), Arc::clone(&limits.space));
    let begin = async |stored: Option<Arc<StoredPolicy>>| {
        let (policy, limits, keys) = (effective(route, stored.as_deref()), limits.clone(), keys.clone());
        let taken = Taken { limits, id: route.id, policy, tier, keys, at: now, state: Mutex::default() };
        let arrived = match route.takes {
            Takes::OnArrival => taken.take(1).await,
            Takes::ByHandler => Ok(()),
        };
        (Arc::new(taken), arrived)
    };
    let (taken, arrived) = match policies.with(&space, route.id, now, begin).await {
        Ok(begun) => begun,
        Err(fault) => {
            tracing::warn!(
                fault = fault.chain(),
                policy = route.id,
                "no stored policy is known; the route's own holds"
            );
            begin(None).await
        }
    };
    let mut response = match arrived {
        Ok(()) => {
            parts.extensions.insert(Units(Some(Arc::clone(&taken))));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    };
    taken.settle(response.status().as_u16()).await;
    if let Some(decision) = &taken.state().decision {
        tell(route.id, &taken.policy, decision, now, response.headers_mut());
    }
    response
}

/// What a limited request takes, for a handler that finds that it takes more: a batch, an upload. Without a limit, it
/// takes nothing.
#[derive(Clone)]
pub struct Units(Option<Arc<Taken>>);

struct Taken {
    limits: Limits,
    id: &'static str,
    policy: Policy,
    tier: Tier,
    keys: BTreeMap<String, String>,
    at: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last decision.
    decision: Option<Decision>,
    /// Units taken by all of them.
    units: u64,
}

impl Taken {
    fn subject(&self) -> Subject<'_> {
        let Self { limits, id, policy, tier, keys, .. } = self;
        Subject { space: &limits.space, id, policy, tier: *tier, keys }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(&self, units: u64) -> Result<(), Problem> {
        let decision = match self.limits.limiter.check(&self.subject(), units, self.at).await {
            Ok(decision) => decision,
            Err(CheckError::Cost { dimension, most, .. }) => {
                return Err(Problem::of(shared::RATE_LIMITED)
                    .detail("So many at once never fit.")
                    .with("policy", self.id)
                    .with("dimension", dimension)
                    .with("limit", most));
            }
            Err(refusal) => return Err(Fault::permanent(format!("{}: {refusal}", self.id)).into()),
        };
        let mut state = self.state();
        state.units += if decision.reason == Reason::Admitted { units } else { 0 };
        let refused = (!decision.allowed).then(|| problem(self.id, &self.policy, &decision, self.at));
        state.decision = Some(decision);
        refused.map_or(Ok(()), Err)
    }

    /// Gives back what is not counted: by what it was answered, or since it was refused after all.
    async fn settle(&self, status: u16) {
        let (units, refused) = {
            let state = self.state();
            (state.units, state.decision.as_ref().is_some_and(|decision| !decision.allowed))
        };
        if units == 0 || !self.policy.gives() || !(refused || self.policy.gives_back(status)) {
            return;
        }
        let subject = self.subject();
        let refund = self.limits.limiter.refund(&subject, units, self.at);
        match tokio::time::timeout(self.policy.deadline(), refund).await {
            Ok(Ok(_)) => {}
            Ok(Err(fault)) => tracing::warn!(fault = fault.chain(), policy = self.id, "units were not given back"),
            Err(_) => tracing::warn!(policy = self.id, "units were not given back in time"),
        }
    }
}

impl Units {
    /// Takes so many: all of them, or the request is refused, and gets back what it took before.
    ///
    /// # Errors
    /// 429, as the route's limit; 503 where it cannot be checked and fails closed.
    pub async fn take(&self, units: u64) -> Result<(), Problem> {
        match &self.0 {
            Some(taken) if units > 0 => taken.take(units).await,
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Units {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self(None)))
    }
}

/// The route's limit says what there is to say.
impl Input for Units {
    fn describe(_: &mut Operation<'_>) {}
}
