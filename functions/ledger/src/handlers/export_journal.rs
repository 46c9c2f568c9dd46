//! GET /ledger/export: the books as hledger or Beancount read them.

use schemars::JsonSchema;
use serde::Deserialize;
use types::Instant;
use web::{Caller, Problem, Query, State};

use crate::App;
use crate::domain::Format;
use crate::export::{Extract, MOST};
use crate::store::{BEGINNING, SETTLED};
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
    /// … and before then; left out, until five minutes ago. What is younger may not be all there yet.
    until: Option<Instant>,
    /// Most transactions of a page: 1 to 500, default 500.
    limit: Option<u16>,
    /// Where the page begins: of the `Link` of the one before.
    cursor: Option<String>,
}

/// One query of 500 accounts, then four for each day, of at most 31 days and so many transactions.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<JournalPage, Problem> {
    let Which { format, from, until, limit, cursor } = which;
    let name = if format == Format::Beancount { "beancount" } else { "hledger" };
    let (from, limit) = (from.max(BEGINNING), limit.unwrap_or(MOST));
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::of(web::shared::INVALID_QUERY).detail(format!("limit is 1 to {MOST}")));
    }
    // The first page's end is that of all pages.
    let until = until.unwrap_or_else(|| app.clock.now() - SETTLED);
    let list = format!("journal of {} {name} {from}", caller.id);
    let cursor = app.cursors.read(&list, cursor.as_deref())?;
    let (text, next) = app.extract(&caller.id, Extract { format, from, until, limit }, cursor).await??;
    let next = next.map(|position| {
        let cursor = app.cursors.write(&list, &position);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("format", name).append_pair("from", &from.to_string());
        query.append_pair("until", &until.to_string()).append_pair("limit", &limit.to_string());
        query.append_pair("cursor", &cursor).finish()
    });
    Ok(JournalPage { text, next })
}
