//! Rate limits of routes. A route names its policy in the SYSTEM table (`.limited(&CREATES)`); [`limit`] holds it to
//! that, behind its access and before its handler, and every answer tells how much is left.

mod headers;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws::Sdk;
use aws::env::Env;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use limiter::{Decision, Limiter, Policies, Policy, Reason, Space, StoredPolicy, Subject};
use types::{Clock, Fault, Instant, Secret, Tier};

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

/// What a route is limited by.
#[derive(Debug)]
pub struct RoutePolicy {
    /// Its id in the system: `creates`. Stored as `<system>.creates`, it replaces `policy` within 30 s.
    pub id: &'static str,
    /// How each dimension's key is made.
    pub keys: &'static [(&'static str, &'static [By])],
    /// What holds where none is stored.
    pub policy: fn() -> Policy,
}

/// Finds the client's address, where a proxy stands before the API.
type AddressOf = Arc<dyn Fn(&RequestMeta) -> String + Send + Sync>;

/// The limits of a system's routes.
#[derive(Clone)]
pub struct Limits {
    limiter: Limiter,
    policies: Policies,
    space: Arc<Space>,
    clock: Clock,
    address: Option<AddressOf>,
}

impl Limits {
    /// The limits of `system`, in the table that `LIMITS_TABLE` names.
    ///
    /// # Errors
    /// When the variable is missing.
    pub fn from_env(env: &Env, sdk: &Sdk, secret: &Secret, clock: Clock, system: &str) -> Result<Self, Fault> {
        let table = dynamo::Table::new(sdk.dynamodb(), env.require("LIMITS_TABLE")?);
        Ok(Self {
            limiter: Limiter::new(table.clone(), secret.key("limits")),
            policies: Policies::new(table),
            space: Arc::new(Space::System(system.to_owned())),
            clock,
            address: None,
        })
    }

    /// Believes another than API Gateway about the client's address.
    #[must_use]
    pub fn address_by(mut self, address: impl Fn(&RequestMeta) -> String + Send + Sync + 'static) -> Self {
        self.address = Some(Arc::new(address));
        self
    }

    async fn keys(&self, route: &RoutePolicy, parts: &mut Parts, caller: Option<&Caller>) -> BTreeMap<String, String> {
        let (Ok(meta), path) = (
            RequestMeta::from_request_parts(parts, &()).await,
            RawPathParams::from_request_parts(parts, &()).await.ok(),
        );
        let address = self.address.as_ref().map_or_else(|| meta.source_ip.clone(), |address| address(&meta));
        let part = |by: &By| match by {
            By::Caller => caller.map_or_else(|| format!("address {address}"), |caller| caller.id.clone()),
            By::Address => address.clone(),
            By::Host => meta.host.to_ascii_lowercase(),
            By::Path(name) => {
                let found = path.iter().flatten().find(|(own, _)| own == name);
                found.map(|(_, value)| value.to_owned()).unwrap_or_default()
            }
            By::Everybody => "everybody".to_owned(),
        };
        let key = |by: &&[By]| {
            let mut key = by.iter().map(part).collect::<Vec<_>>().join(" ");
            let cut = (0..=limiter::MOST_KEY_BYTES.min(key.len())).rev().find(|&at| key.is_char_boundary(at));
            key.truncate(cut.unwrap_or(0));
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

/// Takes one unit for the request, or refuses it.
pub async fn limit(limits: Limits, route: &'static RoutePolicy, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::of_parts(&parts).ok();
    let keys = limits.keys(route, &mut parts, caller.as_ref()).await;
    let tier = caller.map_or(Tier::Free, |caller| caller.tier);
    let now = limits.clock.now();
    let check = async |stored: Option<Arc<StoredPolicy>>| {
        let policy = effective(route, stored.as_deref());
        let subject = Subject { space: &limits.space, id: route.id, policy: &policy, tier, keys: &keys };
        let decision = limits.limiter.check(&subject, 1, now).await;
        (decision, policy)
    };
    let checked = match limits.policies.with(&limits.space, route.id, now, check).await {
        Ok(checked) => checked,
        Err(fault) => {
            tracing::warn!(
                fault = fault.chain(),
                policy = route.id,
                "the stored policy is not known; the route's own holds"
            );
            check(None).await
        }
    };
    let (decision, policy) = match checked {
        (Ok(decision), policy) => (decision, policy),
        (Err(refusal), _) => {
            return Problem::from(Fault::permanent(format!("{}: {refusal}", route.id))).into_response();
        }
    };
    if !decision.allowed {
        return refused(route.id, &policy, &decision, now);
    }
    let taken = Arc::new(Taken { limits, id: route.id, policy, tier, keys, at: now });
    parts.extensions.insert(Units(Some(Arc::clone(&taken))));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if decision.reason == Reason::Admitted {
        taken.settle(response.status().as_u16()).await;
    }
    tell(route.id, &taken.policy, &decision, now, response.headers_mut());
    response
}

fn refused(id: &str, policy: &Policy, decision: &Decision, now: Instant) -> Response {
    let mut response = problem(id, policy, decision, now).into_response();
    tell(id, policy, decision, now, response.headers_mut());
    response
}

/// What a limited request took, for a handler that finds that it takes more: a batch, an upload. Without a limit, it
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
}

impl Taken {
    fn subject(&self) -> Subject<'_> {
        let Self { limits, id, policy, tier, keys, .. } = self;
        Subject { space: &limits.space, id, policy, tier: *tier, keys }
    }

    /// Gives the unit back of what is not counted, by what it was answered.
    async fn settle(&self, status: u16) {
        if self.policy.gives_back(status)
            && let Err(fault) = self.limits.limiter.refund(&self.subject(), 1, self.at).await
        {
            tracing::warn!(fault = fault.chain(), policy = self.id, "a unit was not given back");
        }
    }
}

impl Units {
    /// Takes so many more: all of them, or the request is refused.
    ///
    /// # Errors
    /// 429, as the route's limit.
    pub async fn take(&self, more: u64) -> Result<(), Problem> {
        let Some(taken) = self.0.as_ref().filter(|_| more > 0) else { return Ok(()) };
        let Taken { limits, id, policy, at, .. } = &**taken;
        match limits.limiter.check(&taken.subject(), more, *at).await {
            Ok(decision) if decision.allowed => Ok(()),
            Ok(decision) => Err(problem(id, policy, &decision, *at)),
            Err(refusal) => Err(Problem::of(shared::RATE_LIMITED).detail(refusal.to_string()).with("policy", id)),
        }
    }
}

impl<S: Sync> axum::extract::FromRequestParts<S> for Units {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self(None)))
    }
}

/// The route's limit says what there is to say.
impl crate::describe::Input for Units {
    fn describe(_: &mut crate::describe::Operation<'_>) {}
}
