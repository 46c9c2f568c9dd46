//! What this system's routes are limited by, unless a stored policy says otherwise.

use limiter::{Dimension, Limit, Policy};
use types::Tier;
use web::{By, RoutePolicy, Takes};

/// Keys that a caller makes, new or in place of others.
pub(crate) const KEYS: RoutePolicy =
    RoutePolicy { id: "keys", keys: &[("user", &[By::Caller])], policy: keys, takes: Takes::OnArrival };

/// As guide 003 limits what is costly (an upload): 10 a minute. Enterprise has no limit.
fn keys() -> Policy {
    let mut user = Dimension::new("user", Limit::new(10, 60));
    user.tiers = [(Tier::Enterprise, None)].into();
    Policy::of(vec![user])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_valid() {
        assert_eq!((KEYS.policy)().validate(), Ok(()));
    }
}
