//! Accounts.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::{Currency, Instant};

use super::LedgerError;

/// Most sub-accounts of an account: what one transaction reads at a time, and room beside.
const MOST_SHARDS: u8 = 64;
/// Longest id of an account.
const MOST_ID: usize = 100;
const NO_LINE: &str = "a description is one line of at most 200 characters";
/// Longest description, in characters.
const MOST_TEXT: usize = 200;

/// What an account is called: parts of lower-case letters, digits and `-` that are joined by `:`, as `fees:stripe`. It
/// can be told back from the names that plain-text accounting gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

/// What kind of account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum AccountType {
    Asset,
    Liability,
    Equity,
    Income,
    Expense,
}

/// One of the two sides of every account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Side {
    Debit,
    Credit,
}

/// An account as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// What it is called: parts of lower-case letters, digits and `-`, joined by `:`, at most 100 characters.
    pub account_id: String,
    /// What kind it is.
    #[serde(rename = "type")]
    pub kind: AccountType,
    /// Its only currency.
    pub currency: Currency,
    /// The side that makes it more; left out, debit for assets and expenses, credit for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normal_side: Option<Side>,
    /// Whether it may owe. An account that may not has what holds leave it, at least 0, at every instant.
    #[serde(default)]
    pub may_go_negative: bool,
    /// Sub-accounts, for one with more than some hundred entries a second: 1 to 64. More than one only where it may go
    /// negative, since nobody knows the sum while one of them is written.
    #[serde(default = "one")]
    pub shards: u8,
    /// What it is for: at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

fn one() -> u8 {
    1
}

/// An account. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Account {
    pub tenant: String,
    pub id: AccountId,
    pub kind: AccountType,
    pub currency: Currency,
    pub normal_side: Side,
    pub may_go_negative: bool,
    pub shards: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(with = "types::time::millis")]
    pub created_at: Instant,
}

impl AccountId {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = LedgerError;
    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let part = |part: &str| {
            let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            part.bytes().next().is_some_and(letter) && part.bytes().all(|byte| letter(byte) || byte == b'-')
        };
        let good = text.len() <= MOST_ID && text.split(':').all(part);
        if good { Ok(Self(text.to_owned())) } else { Err(LedgerError::AccountId) }
    }
}

impl TryFrom<String> for AccountId {
    type Error = LedgerError;
    fn try_from(text: String) -> Result<Self, LedgerError> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AccountType {
    /// The side that makes such an account more.
    pub fn normal_side(self) -> Side {
        match self {
            Self::Asset | Self::Expense => Side::Debit,
            Self::Liability | Self::Equity | Self::Income => Side::Credit,
        }
    }
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }

    /// A letter for keys.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Debit => 'd',
            Self::Credit => 'c',
        }
    }
}

impl NewAccount {
    /// The account of this tenant.
    ///
    /// # Errors
    /// Where it cannot be like this.
    pub fn open(self, tenant: &str, now: Instant) -> Result<Account, LedgerError> {
        if !(1..=MOST_SHARDS).contains(&self.shards) {
            return Err(LedgerError::Account("an account has 1 to 64 shards"));
        }
        if self.shards > 1 && !self.may_go_negative {
            return Err(LedgerError::Account("an account of several shards may go negative"));
        }
        if self.description.as_deref().is_some_and(|text| !is_line(text)) {
            return Err(LedgerError::Account(NO_LINE));
        }
        Ok(Account {
            tenant: tenant.to_owned(),
            id: self.account_id.parse()?,
            kind: self.kind,
            currency: self.currency,
            normal_side: self.normal_side.unwrap_or(self.kind.normal_side()),
            may_go_negative: self.may_go_negative,
            shards: self.shards,
            description: self.description,
            created_at: now,
        })
    }
}

/// Whether a text is one line of a bounded length.
fn is_line(text: &str) -> bool {
    text.chars().count() <= MOST_TEXT && !text.chars().any(char::is_control)
}

/// Refuses a transaction's description that is no such line.
pub(super) fn check_line(text: &str) -> Result<(), LedgerError> {
    match is_line(text) {
        true => Ok(()),
        false => Err(LedgerError::Text(NO_LINE)),
    }
}

impl Account {
    /// Whether both are the same but for when they were opened.
    pub fn is_same(&self, other: &Self) -> bool {
        *self == Self { created_at: self.created_at, ..other.clone() }
    }

    /// The sub-account that a transaction is written to: always the same one.
    pub fn shard(&self, transaction: &str) -> u8 {
        u8::try_from(types::fnv1a(transaction) % u64::from(self.shards.max(1))).unwrap_or_default()
    }
}
