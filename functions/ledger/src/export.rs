//! The books as plain text, a page at a time.

use types::{Answer, Fault, Instant};
use web::Cursor;

use crate::App;
use crate::domain::{AccountId, Format, Journal, LedgerError, write_accounts, write_transaction};

/// Accounts of a page, and most transactions.
pub(crate) const MOST: u16 = 500;
/// Days that a page looks at.
const MOST_DAYS: u32 = 31;
const DAY_SECONDS: i64 = 86_400;

/// What of the books.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub(crate) struct Extract {
    pub format: Format,
    pub from: Instant,
    pub until: Instant,
    pub limit: u16,
}

/// How far the pages before came.
enum Place {
    Accounts(Option<Cursor>),
    Journal(Instant, Option<String>),
}

impl Place {
    fn read(cursor: Option<Cursor>, from: Instant) -> Self {
        let Some(cursor) = cursor else { return Self::Accounts(None) };
        match cursor.get("at").and_then(|at| at.parse().ok()) {
            Some(millis) => Self::Journal(Instant::from_millis(millis).max(from), cursor.get("after").cloned()),
            None => Self::Accounts(Some(cursor)),
        }
    }

    fn write(at: Instant, after: Option<String>) -> Cursor {
        let after = after.map(|after| ("after".to_owned(), after));
        std::iter::once(("at".to_owned(), at.millis().to_string())).chain(after).collect()
    }
}

impl App {
    /// A page: first the accounts, then what was posted; and where the next one begins.
    pub(crate) async fn extract(
        &self,
        tenant: &str,
        extract: Extract,
        cursor: Option<Cursor>,
    ) -> Answer<(String, Option<Cursor>), LedgerError> {
        if extract.until < extract.from {
            return Ok(Err(LedgerError::Time("until is before from")));
        }
        let mut text = String::new();
        let (mut at, mut after) = match Place::read(cursor, extract.from) {
            Place::Journal(at, after) => (at, after),
            Place::Accounts(after) => {
                let page = self.store.list_accounts(tenant, MOST, after).await?;
                text = write_accounts(extract.format, &page.items);
                text.push('\n');
                if page.next.is_some() {
                    return Ok(Ok((text, page.next)));
                }
                (extract.from, None)
            }
        };
        let mut left = extract.limit;
        for _ in 0..MOST_DAYS {
            if at >= extract.until {
                return Ok(Ok((text, None)));
            }
            let range = (at, extract.until);
            let (posted, more) = self.store.journal(tenant, at.day(), range, after.as_deref(), left).await?;
            left = left.saturating_sub(u16::try_from(posted.len()).unwrap_or(left));
            let last = posted.last().map(Journal::place);
            text.push_str(&self.written(tenant, extract.format, posted).await?);
            if more || left == 0 {
                return Ok(Ok((text, Some(Place::write(at, last.or(after))))));
            }
            at = Instant::from_seconds((at.seconds().div_euclid(DAY_SECONDS) + 1) * DAY_SECONDS);
            after = None;
        }
        Ok(Ok((text, (at < extract.until).then(|| Place::write(at, None)))))
    }

    async fn written(&self, tenant: &str, format: Format, posted: Vec<Journal>) -> Result<String, Fault> {
        let ids = posted.iter().flat_map(|entry| entry.legs.iter().map(|leg| leg.account.clone())).collect();
        let accounts = self.store.accounts(tenant, ids).await?;
        let kind = |id: &AccountId| accounts.get(id).map(|account| account.kind);
        let written: Option<String> = posted.iter().map(|entry| write_transaction(format, entry, kind)).collect();
        written.ok_or_else(|| Fault::permanent("a transaction's account is not there"))
    }
}
