//! Scenarios: each system's own Lambdas on real tables and queues, by a clock that the test moves.

mod identity;
mod url_shortener;
mod url_shortener_sandboxes;
