//! What this system's routes are limited by, unless a stored policy says otherwise.

use limiter::{Algorithm, Counts, Dimension, Limit, Policy, Unavailable};
use types::Tier;
use web::{By, RoutePolicy, Takes};

/// Links that a caller makes, whatever the route is called; a batch takes one unit for each link.
pub(crate) const CREATES: RoutePolicy =
    RoutePolicy { id: "creates", keys: &[("user", &[By::Caller])], policy: creates, takes: Takes::OnArrival };

/// Wrong passwords, of one address at one link and of all addresses together. Right ones do not count.
pub(crate) const PASSWORDS: RoutePolicy = RoutePolicy {
    id: "passwords",
    keys: &[("ip+link", &[By::Address, By::Host, By::Path("code")]), ("link", &[By::Host, By::Path("code")])],
    policy: passwords,
    // A link without a password has nothing to guess.
    takes: Takes::ByHandler,
};

const HOUR: u32 = 3600;
const QUARTER: u32 = 900;

/// The tiers of guides 000 and 002: free 100 an hour, basic 1,000, premium 10,000, enterprise without a limit.
fn creates() -> Policy {
    let mut user = Dimension::new("user", Limit::new(100, HOUR));
    user.tiers = [
        (Tier::Basic, Some(Limit::new(1_000, HOUR))),
        (Tier::Pro, Some(Limit::new(10_000, HOUR))),
        (Tier::Enterprise, None),
    ]
    .into();
    Policy::of(vec![user])
}

/// A hundred guesses in a quarter of an hour find no password worth the name.
fn passwords() -> Policy {
    let dimensions =
        vec![Dimension::new("ip+link", Limit::new(10, QUARTER)), Dimension::new("link", Limit::new(100, QUARTER))];
    Policy {
        algorithm: Algorithm::FixedWindow,
        counts: Counts::Failures,
        when_unavailable: Unavailable::Closed,
        deadline_ms: 2000,
        ..Policy::of(dimensions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_routes_are_valid_and_have_a_key_for_each_dimension() {
        for route in [CREATES, PASSWORDS] {
            let policy = (route.policy)();
            assert_eq!(policy.validate(), Ok(()));
            let names: Vec<&str> = policy.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
            assert_eq!(names, route.keys.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        }
    }
}
