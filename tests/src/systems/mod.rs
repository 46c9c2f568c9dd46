//! Scenarios: each system's own Lambdas on real tables and queues, by a clock that the test moves.

mod contracts;
pub(crate) mod identity;
pub(crate) mod ledger;
pub(crate) mod notifications;
mod probe;
pub(crate) mod rate_limiter;
pub(crate) mod url_shortener;
mod url_shortener_sandboxes;
