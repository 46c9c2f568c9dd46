//! What this system's own routes are limited by, unless a stored policy says otherwise.

use limiter::guides;
use web::{By, RoutePolicy, Takes};

/// Notifications that a caller sends; a batch takes one unit for each.
pub(crate) const SENDS: RoutePolicy =
    RoutePolicy { id: "sends", keys: &[("user", &[By::Caller])], policy: guides::other, takes: Takes::OnArrival };

/// Addresses that a caller registers: each may send a mail to a stranger, who has to confirm it.
pub(crate) const ADDRESSES: RoutePolicy =
    RoutePolicy { id: "addresses", keys: &[("user", &[By::Caller])], policy: guides::tiers, takes: Takes::OnArrival };

/// Broadcasts of a caller, and the files for them.
pub(crate) const BROADCASTS: RoutePolicy =
    RoutePolicy { id: "broadcasts", keys: &[("user", &[By::Caller])], policy: guides::tiers, takes: Takes::OnArrival };
