//! Rate limits of routes. A route names its policy in the SYSTEM table (`.limited(&CREATES)`); [`limit`] holds it to
//! that, behind its access and before its handler, and every answer tells how much is left.
//!
//! Headers: `X-RateLimit-Limit`, `-Remaining` and `-Reset` (guides 000, 003, 004; epoch seconds), `Retry-After` (RFC 9110)
//! with 429. The fields of draft-ietf-httpapi-ratelimit-headers-10 where a policy asks for them: clients that know only
//! the former are blinded by the latter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws::Sdk;
use aws::env::Env;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::header::RETRY_AFTER;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use limiter::{Decision, Limiter, Part, Policies, Policy, Reason, Space, StoredPolicy, Subject};
use types::{Clock, Fault, Instant, Secret, Tier};

use crate::kind::shared;
use crate::{Caller, Problem, RequestMeta};

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

/// The refusal as a problem.
pub fn problem(id: &str, policy: &Policy, decision: &Decision, now: Instant) -> Problem {
    let Some(part) = decision.telling() else {
        // Not known to be too many: the table did not say, and the policy fails closed.
        return Problem::from(Fault::transient(format!("the limit {id} could not be checked")));
    };
    let seconds = retry_after_seconds(decision, now);
    let mut problem = Problem::of(shared::RATE_LIMITED)
        .detail(format!("{} of {} were used; ask again in {seconds} s", part.dimension, part.most))
        .with("policy", id)
        .with("dimension", &part.dimension)
        .with("limit", part.most)
        .with("retry_after_seconds", seconds)
        .with("banned", decision.reason == Reason::Banned)
        .retry_after(Duration::from_secs(seconds.unsigned_abs()));
    if policy.ietf_fields {
        let violated = decision.parts.iter().filter(|part| part.retry_at.is_some());
        let violated: Vec<String> = violated.map(|part| field_name(id, policy, part)).collect();
        problem = problem.with("violated-policies", violated);
    }
    problem
}

/// Seconds until there may be room, at least 1.
pub fn retry_after_seconds(decision: &Decision, now: Instant) -> i64 {
    decision.retry_at().map_or(1, |at| seconds_until(at, now).max(1))
}

fn seconds_until(at: Instant, now: Instant) -> i64 {
    (at.millis() - now.millis() + 999).div_euclid(1000).max(0)
}

/// Adds the headers that tell how much is left. Where there is no limit, or the table did not say, there are none.
pub fn tell(id: &str, policy: &Policy, decision: &Decision, now: Instant, headers: &mut HeaderMap) {
    if !decision.allowed {
        headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(decision, now)));
    }
    let Some(part) = decision.telling() else { return };
    let reset = (part.reset_at.millis() + 999).div_euclid(1000);
    for (name, value) in [
        ("x-ratelimit-limit", HeaderValue::from(part.most)),
        ("x-ratelimit-remaining", HeaderValue::from(part.remaining)),
        ("x-ratelimit-reset", HeaderValue::from(reset)),
    ] {
        headers.insert(HeaderName::from_static(name), value);
    }
    if !policy.ietf_fields {
        return;
    }
    let quota = |part: &Part| {
        let name = field_name(id, policy, part);
        format!("\"{name}\";q={};w={}", part.most, part.limit.per_seconds)
    };
    let left = |part: &Part| {
        // Not later than Retry-After, as the draft demands.
        let until = part.retry_at.unwrap_or(part.reset_at);
        format!("\"{}\";r={};t={}", field_name(id, policy, part), part.remaining, seconds_until(until, now))
    };
    let lists = [
        ("ratelimit-policy", decision.parts.iter().map(quota).collect::<Vec<_>>().join(", ")),
        ("ratelimit", decision.parts.iter().map(left).collect::<Vec<_>>().join(", ")),
    ];
    for (name, list) in lists {
        // Ids and names have no character that a quoted string would have to escape.
        if let Ok(list) = HeaderValue::try_from(list) {
            headers.insert(HeaderName::from_static(name), list);
        }
    }
}

/// The policy's name in the fields: one for each dimension, where there are several.
fn field_name(id: &str, policy: &Policy, part: &Part) -> String {
    if policy.dimensions.len() == 1 { id.to_owned() } else { format!("{id}.{}", part.dimension) }
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
