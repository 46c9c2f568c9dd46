//! A system's table of Lambdas, and the loop that runs one of them. The sole user of `lambda_runtime`.
//!
//! One `bootstrap` serves all functions of a system; Lambda names the handler in `_HANDLER`. Without a handler it
//! knows, it serves the whole HTTP table, which is what `cargo lambda watch` starts.

mod document;
mod function;
mod head;
mod http;
mod observe;
mod page;
mod serve;
mod system;
mod workers;

pub use document::openapi;
pub use function::{Function, Outcome};
#[doc(hidden)]
pub use head::{cut, length};
pub use observe::Record;
pub use serve::serve;
pub use system::{Endpoint, Row, System, Trigger};
