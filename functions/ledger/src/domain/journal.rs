//! The ledger as plain-text accounting reads it: hledger's and Beancount's journals.
//!
//! An account's parts are written with a capital, behind the name of its kind: `fees:stripe` of expenses is
//! `Expenses:Fees:Stripe`. Since ids have no capitals, no two become one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Instant;

use super::AccountId;
use super::account::{Account, AccountType, Side};
use super::entry::Leg;
use super::transaction_id::TransactionId;

/// Whose journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Format {
    #[default]
    Hledger,
    Beancount,
}

/// What was posted, whether at once or from a pending transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Journal {
    pub id: TransactionId,
    pub legs: Vec<Leg>,
    pub description: String,
    #[serde(with = "types::time::millis")]
    pub at: Instant,
}

fn name(kind: AccountType, id: &AccountId) -> String {
    let mut name = match kind {
        AccountType::Asset => "Assets",
        AccountType::Liability => "Liabilities",
        AccountType::Equity => "Equity",
        AccountType::Income => "Income",
        AccountType::Expense => "Expenses",
    }
    .to_owned();
    for part in id.as_str().split(':') {
        name.push(':');
        let mut letters = part.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// The directives that declare accounts.
pub fn write_accounts(format: Format, accounts: &[Account]) -> String {
    let mut text = String::new();
    let currencies: BTreeSet<_> = accounts.iter().map(|account| account.currency).collect();
    if format == Format::Hledger {
        for currency in currencies {
            // The point is there even where no digit follows it: it tells hledger which sign it is.
            let sample = currency.decimal(10_i128.pow(u32::from(currency.exponent()) + 3));
            let point = if currency.exponent() == 0 { "." } else { "" };
            let _ = writeln!(text, "commodity {sample}{point} {currency}");
        }
    }
    for account in accounts {
        let (name, currency, day) = (name(account.kind, &account.id), account.currency, account.created_at.day());
        let _ = match format {
            Format::Hledger => writeln!(text, "account {name}"),
            Format::Beancount => writeln!(text, "{day} open {name} {currency}"),
        };
    }
    text
}

/// A transaction; `kind` tells the kinds of its accounts. None where it does not know one.
pub fn write_transaction(
    format: Format,
    entry: &Journal,
    kind: impl Fn(&AccountId) -> Option<AccountType>,
) -> Option<String> {
    let (day, id, mut text) = (entry.at.day(), &entry.id, String::new());
    let _ = match format {
        // A semicolon begins a comment, and a bar ends a payee.
        Format::Hledger => writeln!(text, "{day} * ({id}) {}", entry.description.replace([';', '|'], ",")),
        Format::Beancount => {
            let said = entry.description.replace('\\', "\\\\").replace('"', "\\\"");
            writeln!(text, "{day} * \"{said}\"\n  id: \"{id}\"")
        }
    };
    for leg in &entry.legs {
        let amount = i128::from(leg.amount_minor);
        let amount = leg.currency.decimal(if leg.side == Side::Debit { amount } else { -amount });
        let _ = writeln!(text, "  {}  {amount} {}", name(kind(&leg.account)?, &leg.account), leg.currency);
    }
    text.push('\n');
    Some(text)
}
