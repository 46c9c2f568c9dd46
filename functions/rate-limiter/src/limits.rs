//! What this system's own routes are limited by, unless a stored policy says otherwise.

use limiter::guides;
use web::{By, RoutePolicy, Takes};

/// Changes of policies by one caller. Each leaves a version for good.
pub(crate) const CHANGES: RoutePolicy =
    RoutePolicy { id: "changes", keys: &[("user", &[By::Caller])], policy: guides::other, takes: Takes::OnArrival };
