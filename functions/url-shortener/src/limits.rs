//! What this system's routes are limited by, unless a stored policy says otherwise.

use limiter::{Algorithm, Counts, Dimension, Limit, Policy, Unavailable, guides};
use web::{By, RoutePolicy, Takes};

/// Links that a caller makes, whatever the route is called; a batch takes one unit for each link.
pub(crate) const CREATES: RoutePolicy =
    RoutePolicy { id: "creates", keys: &[("user", &[By::Caller])], policy: guides::tiers, takes: Takes::OnArrival };

/// Pages of a caller's links.
pub(crate) const LISTS: RoutePolicy =
    RoutePolicy { id: "lists", keys: &[("user", &[By::Caller])], policy: guides::search, takes: Takes::OnArrival };

/// Pictures that a caller has drawn.
pub(crate) const PICTURES: RoutePolicy =
    RoutePolicy { id: "pictures", keys: &[("user", &[By::Caller])], policy: guides::download, takes: Takes::OnArrival };

/// Wrong passwords, of one address at one link and of all addresses together. Right ones do not count.
pub(crate) const PASSWORDS: RoutePolicy = RoutePolicy {
    id: "passwords",
    keys: &[("ip+link", &[By::Address, By::Host, By::Path("code")]), ("link", &[By::Host, By::Path("code")])],
    policy: passwords,
    // A link without a password has nothing to guess.
    takes: Takes::ByHandler,
};

const QUARTER: u32 = 900;

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
        for route in [CREATES, LISTS, PICTURES, PASSWORDS] {
            let policy = (route.policy)();
            assert_eq!(policy.validate(), Ok(()));
            let names: Vec<&str> = policy.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
            assert_eq!(names, route.keys.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        }
    }
}
