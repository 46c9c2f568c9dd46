//! What each operation may cost: the table in a system's README is measured here, and `make budgets` writes it.

mod identity;
mod ledger;
mod notifications;
mod rate_limiter;
mod url_shortener;

use testkit::Budget;

/// The budget of one operation.
fn of<'a>(budgets: &'a [Budget], handler: &str, operation: &str) -> &'a Budget {
    let found = budgets.iter().find(|budget| budget.handler == handler && budget.operation == operation);
    found.unwrap_or_else(|| panic!("no budget {operation} of {handler}"))
}
