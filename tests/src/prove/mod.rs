//! What each system promises, under all faults at once: short in `make test`, at full size in `make prove`.

mod ledger;
mod notifications;
mod rate_limiter;
mod url_shortener;
