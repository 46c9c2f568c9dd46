//! What the ledger refuses.

use types::OnceRefusal;

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The id of an account is none.
    #[error("an account is called by 1 to 100 lower-case letters, digits and `-`, in parts joined by `:`")]
    AccountId,
    /// The account cannot be like this.
    #[error("{0}")]
    Account(&'static str),
    /// Another account is called this.
    #[error("another account has this id")]
    AccountExists,
    /// There is no such account.
    #[error("there is no account {0}")]
    NoAccount(String),
    /// An entry names an account that there is not.
    #[error("there is no account {0}")]
    UnknownAccount(String),
    /// The id of a transaction is none.
    #[error("a transaction is called by 1 to 128 letters, digits and `._:-`, and not `reversal-of:…`")]
    TransactionId,
    /// The entries are no double entry.
    #[error("{0}")]
    Entries(String),
    /// Its words cannot be kept.
    #[error("{0}")]
    Text(&'static str),
    /// Its times do not go together.
    #[error("{0}")]
    Time(&'static str),
    /// An account has not so much left.
    #[error("account {account} has less than {needed_minor} available")]
    Insufficient {
        /// Which.
        account: String,
        /// What would have to be available.
        needed_minor: u64,
    },
    /// The id is another transaction's.
    #[error("this id is of another transaction")]
    IdReused,
    /// There is no such transaction.
    #[error("there is no such transaction")]
    NoTransaction,
    /// It was not made pending.
    #[error("the transaction was posted when it was made")]
    NotPending,
    /// It has ended, in another way than is asked for.
    #[error("the transaction has been {0}")]
    Ended(&'static str),
    /// Its time is over.
    #[error("the transaction expired")]
    Expired,
    /// Nothing was posted that could be reversed.
    #[error("nothing of the transaction was posted")]
    NotPosted,
    /// It is a reversal itself.
    #[error("the transaction is a reversal")]
    IsReversal,
    /// For transactions of the table; no key is used here.
    #[error(transparent)]
    Once(#[from] OnceRefusal),
}
