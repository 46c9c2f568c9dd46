//! Transactions: two entries or more that come to zero in each currency, at once or in two phases.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Instant;

use super::account::{Account, AccountId, check_line};
use super::entry::{Entry, Leg, are_same, legs};
use super::refusal::LedgerError;
use super::transaction_id::TransactionId;

/// Longest metadata, in bytes of JSON.
const MOST_METADATA: usize = 2048;
/// Longest that a hold may last: more than any card's authorization does.
const MOST_HOLD: std::time::Duration = std::time::Duration::from_secs(400 * 86_400);

/// A transaction as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTransaction {
    /// What it is called: 1 to 128 letters, digits and `._:-`. Made again under it, with the same content, it is the
    /// same transaction.
    pub transaction_id: String,
    /// 2 to 40 of them, at most one for each side of an account; their debits equal their credits in each currency.
    pub entries: Vec<Entry>,
    /// What it is about: a line of at most 200 characters.
    #[serde(default)]
    pub description: String,
    /// What goes along for programs: at most 2,048 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether it only holds what it takes, until it is posted or voided.
    #[serde(default)]
    pub pending: bool,
    /// When a pending one is voided by itself; at most 400 days ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// A transaction. It never changes; what becomes of a pending one is its [`Resolution`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Transaction {
    pub tenant: String,
    pub id: TransactionId,
    pub legs: Vec<Leg>,
    pub description: String,
    /// JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    pub pending: bool,
    #[serde(default, with = "types::time::opt_millis", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<TransactionId>,
    #[serde(with = "types::time::millis")]
    pub at: Instant,
}

/// How a pending transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Outcome {
    Posted,
    Voided,
    Expired,
}

/// The end of a pending transaction. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Resolution {
    pub tenant: String,
    pub id: TransactionId,
    pub outcome: Outcome,
    /// What was posted; none where nothing was.
    pub legs: Vec<Leg>,
    pub description: String,
    #[serde(with = "types::time::millis")]
    pub at: Instant,
}

/// How a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum State {
    Pending,
    Posted,
    Voided,
    Expired,
}

impl Outcome {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Voided => "voided",
            Self::Expired => "expired",
        }
    }
}

impl NewTransaction {
    /// The transaction of this tenant.
    ///
    /// # Errors
    /// Where it is none.
    pub fn check(self, tenant: &str, now: Instant) -> Result<Transaction, LedgerError> {
        let id: TransactionId = self.transaction_id.parse()?;
        let legs = legs(&self.entries)?;
        check_line(&self.description)?;
        let metadata = self.metadata.filter(|map| !map.is_empty());
        let metadata = metadata.map(|map| serde_json::Value::Object(map).to_string());
        if metadata.as_ref().is_some_and(|json| json.len() > MOST_METADATA) {
            return Err(LedgerError::Text("metadata has at most 2,048 bytes"));
        }
        match self.expires_at {
            Some(_) if !self.pending => return Err(LedgerError::Time("only a pending transaction expires")),
            Some(at) if at <= now => return Err(LedgerError::Time("expires_at is over")),
            Some(at) if at > now + MOST_HOLD => return Err(LedgerError::Time("a hold lasts 400 days at most")),
            _ => {}
        }
        let (pending, expires_at, description) = (self.pending, self.expires_at, self.description);
        let tenant = tenant.to_owned();
        Ok(Transaction { tenant, id, legs, description, metadata, pending, expires_at, reverses: None, at: now })
    }
}

impl Transaction {
    /// Whether both ask for the same. Times of making differ, and so may an order of entries.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = Self { at: self.at, legs: self.legs.clone(), ..other.clone() };
        *self == same && are_same(&self.legs, &other.legs)
    }

    /// Whom it concerns.
    pub fn accounts(&self) -> BTreeSet<AccountId> {
        self.legs.iter().map(|leg| leg.account.clone()).collect()
    }

    /// How it stands.
    pub fn state(&self, end: Option<&Resolution>) -> State {
        match end.map(|end| end.outcome) {
            Some(Outcome::Posted) => State::Posted,
            Some(Outcome::Voided) => State::Voided,
            Some(Outcome::Expired) => State::Expired,
            None if self.pending => State::Pending,
            None => State::Posted,
        }
    }

    /// Whether each account is there and has this currency.
    ///
    /// # Errors
    /// Names the first that is not so.
    pub fn check_accounts(&self, accounts: &BTreeMap<AccountId, Account>) -> Result<(), LedgerError> {
        for leg in &self.legs {
            match accounts.get(&leg.account) {
                None => return Err(LedgerError::UnknownAccount(leg.account.to_string())),
                Some(account) if account.currency != leg.currency => {
                    let (id, currency) = (&leg.account, account.currency);
                    return Err(LedgerError::Entries(format!("{id} is an account of {currency}")));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The end of a pending transaction; `entries` is what is posted of it, the whole where none are named.
    ///
    /// # Errors
    /// Where it has none, or not such a part.
    pub fn resolve(
        &self,
        outcome: Outcome,
        entries: Option<&[Entry]>,
        now: Instant,
    ) -> Result<Resolution, LedgerError> {
        if !self.pending {
            return Err(LedgerError::NotPending);
        }
        // What the sweep has not come to is over all the same.
        if outcome == Outcome::Posted && self.expires_at.is_some_and(|at| at <= now) {
            return Err(LedgerError::Expired);
        }
        let posted = match (outcome, entries) {
            (Outcome::Posted, None) => self.legs.clone(),
            (Outcome::Posted, Some(entries)) => self.part(entries)?,
            _ => Vec::new(),
        };
        Ok(Resolution {
            tenant: self.tenant.clone(),
            id: self.id.clone(),
            outcome,
            legs: posted,
            description: self.description.clone(),
            at: now,
        })
    }

    fn part(&self, entries: &[Entry]) -> Result<Vec<Leg>, LedgerError> {
        let part = legs(entries)?;
        for leg in &part {
            let held = self.legs.iter().find(|held| (&held.account, held.side) == (&leg.account, leg.side));
            match held {
                Some(held) if held.amount_minor >= leg.amount_minor && held.currency == leg.currency => {}
                _ => return Err(LedgerError::Entries(format!("so much is not held on {}", leg.account))),
            }
        }
        Ok(part)
    }

    /// The transaction that takes back what was posted: the same entries on the other sides.
    ///
    /// # Errors
    /// Where there is nothing to take back.
    pub fn reverse(&self, end: Option<&Resolution>, description: String, now: Instant) -> Result<Self, LedgerError> {
        if self.reverses.is_some() {
            return Err(LedgerError::IsReversal);
        }
        check_line(&description)?;
        let posted = match end {
            Some(end) => &end.legs,
            None if self.pending => return Err(LedgerError::NotPosted),
            None => &self.legs,
        };
        if posted.is_empty() {
            return Err(LedgerError::NotPosted);
        }
        let legs = posted.iter().map(|leg| Leg { side: leg.side.other(), ..leg.clone() }).collect();
        Ok(Self {
            tenant: self.tenant.clone(),
            id: self.id.reversal(),
            legs,
            description,
            metadata: None,
            pending: false,
            expires_at: None,
            reverses: Some(self.id.clone()),
            at: now,
        })
    }
}
