//! An account's statement.

use std::time::Duration;

use types::{Answer, Instant};
use web::Cursor;

use crate::App;
use crate::domain::{Account, LedgerError};
use crate::store::{BEGINNING, Entry};
use crate::view::{EntryView, StatementView};

/// From when until when.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub(crate) struct Span {
    pub from: Option<Instant>,
    pub until: Instant,
}

impl App {
    /// A page of a statement, and where the next one begins: behind its last entry, with the balance there.
    pub(crate) async fn statement(
        &self,
        account: &Account,
        span: Span,
        cursor: Option<Cursor>,
        limit: u16,
    ) -> Answer<(StatementView, Option<Cursor>), LedgerError> {
        let from = span.from.unwrap_or(BEGINNING).max(BEGINNING);
        if span.until < from {
            return Ok(Err(LedgerError::Time("until is before from")));
        }
        let member = |name: &str| cursor.as_ref().and_then(|cursor| cursor.get(name).cloned());
        let (after, carried) = (member("after"), member("balance").and_then(|digits| digits.parse().ok()));
        let opening: i128 = match carried {
            Some(balance) => balance,
            None if from == BEGINNING => 0,
            None => self.store.balance_at(account, from - Duration::from_millis(1)).await?.posted(account.normal_side),
        };
        let (entries, more) = self.store.entries(account, (from, span.until), after.as_deref(), limit).await?;
        let (mut closing, last) = (opening, entries.last().map(Entry::place));
        let lines = entries.into_iter().map(|entry| {
            let amount = i128::from(entry.amount_minor);
            closing += if entry.side == account.normal_side { amount } else { -amount };
            EntryView {
                transaction_id: entry.transaction.to_string(),
                posted_at: entry.at,
                side: entry.side,
                amount_minor: entry.amount_minor,
                balance_minor: closing,
                description: entry.description,
            }
        });
        let items: Vec<EntryView> = lines.collect();
        let next = last
            .filter(|_| more)
            .map(|after| [("after".to_owned(), after), ("balance".to_owned(), closing.to_string())].into());
        let statement =
            StatementView { opening_balance_minor: opening, items, closing_balance_minor: closing, next_cursor: None };
        Ok(Ok((statement, next)))
    }
}
