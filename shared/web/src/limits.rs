//! Rate limits of routes. A route names its policy in the SYSTEM table (`.limited(&CREATES)`); [`limit`] holds it to
//! that, behind its access and before its handler, and every answer tells how much is left.

mod headers;
mod units;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use aws::Sdk;
use aws::env::Env;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use limiter::{Limiter, Policies, Policy, Space, StoredPolicy};
use types::{Clock, Fault, Secret, Tier};

use crate::{Caller, RequestMeta};

use units::Taken;

pub use headers::{problem, retry_after_seconds, tell};
pub use units::Units;

/// A part of a request by which requests are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Who calls; where nobody is known to, the address.
    Caller,
    /// The client's address; of IPv6 the network of 64 bits, since whoever has one address has all of it.
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
    /// The limits of `system`, in the table that `LIMITS_TABLE` names. `LIMITS_PATIENCE` is how many times as long as
    /// policies say the table may take; an emulator is slower than DynamoDB.
    ///
    /// # Errors
    /// When the variable is missing.
    pub fn from_env(env: &Env, sdk: &Sdk, secret: &Secret, clock: Clock, system: &str) -> Result<Self, Fault> {
        let table = dynamo::Table::new(sdk.dynamodb(), env.require("LIMITS_TABLE")?);
        let viewer = |meta: &RequestMeta| Viewer { address: meta.source_ip.clone(), host: meta.host.clone() };
        let patience = env.parse_or("LIMITS_PATIENCE", 1)?;
        Ok(Self {
            limiter: Limiter::new(table.clone(), secret.key("limits")).patient(patience),
            policies: Policies::new(table).patient(patience),
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
        let address = network(&address);
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

/// An address as one client has it.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        Ok(ip) => ip.to_canonical().to_string(),
        Err(_) => address.to_owned(),
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
            parts.extensions.insert(Units::of(&taken));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    };
    taken.settle(response.status().as_u16()).await;
    taken.tell(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_or_a_network_of_ipv6() {
        for (address, client) in [
            ("203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("nobody", "nobody"),
        ] {
            assert_eq!(network(address), client);
        }
    }
}
