//! A system's table of Lambdas, and the loop that runs one of them. The sole user of `lambda_runtime`.
//!
//! One `bootstrap` serves all functions of a system; Lambda names the handler in `_HANDLER`. Without a handler it
//! knows, it serves the whole HTTP table, which is what `cargo lambda watch` starts.

mod function;
mod http;
mod observe;
mod serve;
mod system;

pub use function::{Function, Outcome};
pub use observe::Record;
pub use serve::serve;
pub use system::{Row, System, Trigger};
