//! Accounts and transactions as callers see them.

use schemars::JsonSchema;
use serde::Serialize;
use types::{Currency, Instant};
use web::{IntoResponse, Operation, Output, Response};

use crate::domain::{Account, AccountType, Balance, Entry, Leg, Resolution, Side, State, Transaction};

/// An account.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub struct AccountView {
    /// Its id.
    pub account_id: String,
    /// What kind it is.
    #[serde(rename = "type")]
    pub kind: AccountType,
    /// Its currency.
    pub currency: Currency,
    /// The side that makes it more.
    pub normal_side: Side,
    /// Whether it may owe.
    pub may_go_negative: bool,
    /// Its sub-accounts.
    pub shards: u8,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was opened.
    pub created_at: Instant,
}

/// An account and what is in it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "AccountBalance")]
pub struct BalanceView {
    /// The account.
    #[serde(flatten)]
    pub account: AccountView,
    /// What was posted, counted on its normal side.
    pub balance_minor: i128,
    /// Debits that were posted.
    pub debits_minor: i128,
    /// Credits that were posted.
    pub credits_minor: i128,
    /// What may be taken from it: what was posted less what is held. Only of now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_minor: Option<i128>,
    /// Debits that are held. Only of now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_debits_minor: Option<i128>,
    /// Credits that are held. Only of now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_credits_minor: Option<i128>,
    /// Of when it is, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Instant>,
    /// Whether nothing can be added to it any more: what is under way has until five minutes after `as_of`.
    #[serde(rename = "final", skip_serializing_if = "Option::is_none")]
    pub settled: Option<bool>,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        let Account { id, kind, currency, normal_side, may_go_negative, shards, description, created_at, .. } = account;
        let account_id = id.into();
        Self { account_id, kind, currency, normal_side, may_go_negative, shards, description, created_at }
    }
}

impl BalanceView {
    /// Of now.
    pub fn now(account: Account, balance: &Balance) -> Self {
        Self {
            available_minor: Some(balance.available),
            pending_debits_minor: Some(balance.pending_debits),
            pending_credits_minor: Some(balance.pending_credits),
            as_of: None,
            settled: None,
            ..Self::at(account, balance, Instant::from_millis(0), false)
        }
    }

    /// As it was.
    pub fn at(account: Account, balance: &Balance, as_of: Instant, settled: bool) -> Self {
        Self {
            balance_minor: balance.posted(account.normal_side),
            debits_minor: balance.debits,
            credits_minor: balance.credits,
            available_minor: None,
            pending_debits_minor: None,
            pending_credits_minor: None,
            as_of: Some(as_of),
            settled: Some(settled),
            account: account.into(),
        }
    }
}

/// A line of an account's statement.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "StatementEntry")]
pub struct EntryView {
    /// Its transaction.
    pub transaction_id: String,
    /// When it was posted.
    pub posted_at: Instant,
    /// Its side.
    pub side: Side,
    /// How much.
    pub amount_minor: u64,
    /// The account's balance with it, counted on its normal side.
    pub balance_minor: i128,
    /// What its transaction is about.
    pub description: String,
}

/// A page of an account's statement.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Statement")]
pub struct StatementView {
    /// The balance before the page's first entry.
    pub opening_balance_minor: i128,
    /// Oldest first.
    pub items: Vec<EntryView>,
    /// The balance with the page's last entry.
    pub closing_balance_minor: i128,
    /// Pass it as `?cursor=` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A transaction and how it stands.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Transaction")]
pub struct TransactionView {
    /// Its id.
    pub transaction_id: String,
    /// How it stands.
    pub state: State,
    /// As they were asked for.
    pub entries: Vec<Entry>,
    /// What was posted of a pending one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posted_entries: Option<Vec<Entry>>,
    /// What it is about.
    pub description: String,
    /// What goes along for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<serde_json::Value>,
    /// When it was made.
    pub created_at: Instant,
    /// When it is voided by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When a pending one ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// The transaction that it takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverses: Option<String>,
}

/// Entries as callers see them.
pub(crate) fn entries(legs: &[Leg]) -> Vec<Entry> {
    let entry = |leg: &Leg| Entry {
        account_id: leg.account.to_string(),
        side: leg.side,
        amount_minor: leg.amount_minor,
        currency: leg.currency,
    };
    legs.iter().map(entry).collect()
}

impl TransactionView {
    /// A transaction and its end.
    pub fn of(made: Transaction, end: Option<&Resolution>) -> Self {
        let posted = end.filter(|end| !end.legs.is_empty());
        Self {
            state: made.state(end),
            entries: entries(&made.legs),
            posted_entries: posted.map(|end| entries(&end.legs)),
            metadata: made.metadata.and_then(|json| serde_json::from_str(&json).ok()),
            transaction_id: made.id.to_string(),
            description: made.description,
            created_at: made.at,
            expires_at: made.expires_at,
            ended_at: end.map(|end| end.at),
            reverses: made.reverses.map(|id| id.to_string()),
        }
    }
}

/// A page of a journal; where there is more, the next page's query goes as `Link: <?…>; rel="next"`.
#[derive(Debug)]
pub struct JournalPage {
    /// Plain text.
    pub text: String,
    /// The next page's query.
    pub next: Option<String>,
}

impl IntoResponse for JournalPage {
    fn into_response(self) -> Response {
        web::with_next(([("content-type", "text/plain; charset=utf-8")], self.text).into_response(), self.next)
    }
}

impl Output for JournalPage {
    fn describe(operation: &mut Operation<'_>) {
        operation.content(200, "A page of the journal. Pages are put together by appending them.", &["text/plain"]);
    }
}
