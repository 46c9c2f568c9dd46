//! GET /ledger/export: the books as hledger or Beancount read them.

use schemars::JsonSchema;
use serde::Deserialize;
use types::Instant;
use web::{Caller, Problem, Query, State};

use crate::App;
use crate::domain::Format;
use crate::export::Extract;
use crate::view::JournalPage;

/// What of the books.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// `hledger` (default) or `beancount`.
    #[serde(default)]
    format: Format,
    /// What was posted from then on …
    from: Instant,
    /// … until then; left out, until now.
    until: Option<Instant>,
    /// Where the page begins: of the `Link` of the one before.
    cursor: Option<String>,
}

/// One query of 500 accounts, then four for each day, of 31 days and 500 transactions at most.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<JournalPage, Problem> {
    let Which { format, from, until, cursor } = which;
    // The first page's end is that of all pages.
    let name = if format == Format::Beancount { "beancount" } else { "hledger" };
    let until = until.unwrap_or_else(|| app.clock.now());
    let list = format!("journal of {} {name} {from}", caller.id);
    let cursor = app.cursors.read(&list, cursor.as_deref())?;
    let (text, next) = app.extract(&caller.id, Extract { format, from, until }, cursor).await??;
    let next = next.map(|position| {
        let cursor = app.cursors.write(&list, &position);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("format", name).append_pair("from", &from.to_string());
        query.append_pair("until", &until.to_string()).append_pair("cursor", &cursor).finish()
    });
    Ok(JournalPage { text, next })
}
