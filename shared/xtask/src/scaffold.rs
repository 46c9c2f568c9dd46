//! `new-system` and `new-handler`: what every system and every Lambda begins with. The texts are in `templates/`; this
//! fills them in and puts them where a person would. It changes a [`Tree`], so a failure half-way leaves nothing
//! behind.

mod edit;
mod handler;
mod lib_file;
mod system;

pub use handler::{new_handler, scope_noun};
pub use system::new_system;

/// What invokes a new Lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// A route of the system's HTTP API.
    Http {
        /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
        method: String,
        /// `/links/{code}`.
        path: String,
        /// Who may call.
        access: Access,
    },
    /// The queue `{stage}-{system}-{name}`.
    Queue(String),
    /// The stream of the system's table.
    Stream,
    /// A schedule.
    Schedule,
    /// A direct invocation.
    Invoke,
}

/// Who may call a new route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Callers with this scope.
    Scope(String),
}

/// A template with `{{name}}` replaced by its value.
fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}
