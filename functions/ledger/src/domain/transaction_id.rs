//! What transactions are called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::refusal::LedgerError;

/// What the ids of reversals begin with.
const REVERSAL: &str = "reversal-of:";

/// What a transaction is called, by whoever makes it: made again under the same id, it is the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransactionId(String);

impl TransactionId {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the reversal of this transaction is called.
    #[must_use]
    pub fn reversal(&self) -> Self {
        Self(format!("{REVERSAL}{}", self.0))
    }

    /// Any transaction's id, a reversal's too.
    ///
    /// # Errors
    /// Where none is called so.
    pub fn known(text: &str) -> Result<Self, LedgerError> {
        match text.strip_prefix(REVERSAL) {
            Some(of) => of.parse::<Self>().map(|id| id.reversal()),
            None => text.parse(),
        }
    }
}

impl FromStr for TransactionId {
    type Err = LedgerError;
    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let good = (1..=128).contains(&text.len())
            && !text.starts_with(REVERSAL)
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
        if good { Ok(Self(text.to_owned())) } else { Err(LedgerError::TransactionId) }
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
