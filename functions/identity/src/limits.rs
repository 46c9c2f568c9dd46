//! What this system's routes are limited by, unless a stored policy says otherwise.

use limiter::guides;
use web::{By, RoutePolicy, Takes};

/// Keys that a caller makes, new or in place of others: as much work as what guide 003 calls an upload.
pub(crate) const KEYS: RoutePolicy =
    RoutePolicy { id: "keys", keys: &[("user", &[By::Caller])], policy: guides::upload, takes: Takes::OnArrival };
