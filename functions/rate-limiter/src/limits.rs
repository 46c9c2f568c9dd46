//! What this system's own routes are limited by, unless a stored policy says otherwise.

use limiter::{Dimension, Limit, Policy};
use web::{By, RoutePolicy, Takes};

/// Changes of policies by one caller: guide 003's default, a thousand a minute, is far more than people need, and each
/// leaves a version for good.
pub(crate) const CHANGES: RoutePolicy =
    RoutePolicy { id: "changes", keys: &[("user", &[By::Caller])], policy: changes, takes: Takes::OnArrival };

fn changes() -> Policy {
    let mut user = Dimension::new("user", Limit::new(60, 60));
    user.tiers = [(types::Tier::Enterprise, Some(Limit::new(1000, 60)))].into();
    Policy::of(vec![user])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_valid() {
        assert_eq!((CHANGES.policy)().validate(), Ok(()));
    }
}
