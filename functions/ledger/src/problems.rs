//! Refusals as HTTP problems.

use web::{Kind, Problem};

use crate::domain::LedgerError;

web::problems! {
    ACCOUNT_INVALID = UNPROCESSABLE_ENTITY "ledger/account-invalid" "The account cannot be like this";
    ACCOUNT_EXISTS = CONFLICT "ledger/account-exists" "Another account has this id";
    ACCOUNT_NOT_FOUND = NOT_FOUND "ledger/account-not-found" "There is no such account";
    ACCOUNT_UNKNOWN = UNPROCESSABLE_ENTITY "ledger/account-unknown" "An entry names an account that there is not";
    TRANSACTION_INVALID = UNPROCESSABLE_ENTITY "ledger/transaction-invalid" "The transaction cannot be like this";
    ENTRIES_INVALID = UNPROCESSABLE_ENTITY "ledger/entries-invalid" "The entries are no double entry";
    TIME_INVALID = UNPROCESSABLE_ENTITY "ledger/time-invalid" "The times do not go together";
    FUNDS_INSUFFICIENT = CONFLICT "ledger/funds-insufficient" "An account has less available than is taken";
    TRANSACTION_ID_REUSED = CONFLICT "ledger/transaction-id-reused" "Another transaction has this id";
    TRANSACTION_NOT_FOUND = NOT_FOUND "ledger/transaction-not-found" "There is no such transaction";
    TRANSACTION_NOT_PENDING = CONFLICT "ledger/transaction-not-pending" "The transaction was not made pending";
    TRANSACTION_ENDED = CONFLICT "ledger/transaction-ended" "The pending transaction ended otherwise";
    TRANSACTION_EXPIRED = CONFLICT "ledger/transaction-expired" "The pending transaction expired";
    TRANSACTION_NOT_POSTED = CONFLICT "ledger/transaction-not-posted" "Nothing of the transaction was posted";
    TRANSACTION_IS_REVERSAL = CONFLICT "ledger/transaction-is-reversal" "The transaction is a reversal";
}

impl From<LedgerError> for Problem {
    fn from(refusal: LedgerError) -> Self {
        let detail = refusal.to_string();
        let problem = match &refusal {
            LedgerError::Insufficient { account, needed_minor } => {
                Self::of(FUNDS_INSUFFICIENT).with("account_id", account.clone()).with("needed_minor", *needed_minor)
            }
            LedgerError::Once(refusal) => return (*refusal).into(),
            other => Self::of(kind(other)),
        };
        problem.detail(detail)
    }
}

/// The type of a refusal that has nothing to add.
fn kind(refusal: &LedgerError) -> Kind {
    match refusal {
        LedgerError::AccountId | LedgerError::Account(_) => ACCOUNT_INVALID,
        LedgerError::AccountExists => ACCOUNT_EXISTS,
        LedgerError::NoAccount(_) => ACCOUNT_NOT_FOUND,
        LedgerError::UnknownAccount(_) => ACCOUNT_UNKNOWN,
        LedgerError::TransactionId | LedgerError::Text(_) => TRANSACTION_INVALID,
        LedgerError::Entries(_) => ENTRIES_INVALID,
        LedgerError::Time(_) => TIME_INVALID,
        LedgerError::Insufficient { .. } => FUNDS_INSUFFICIENT,
        LedgerError::IdReused => TRANSACTION_ID_REUSED,
        LedgerError::NoTransaction => TRANSACTION_NOT_FOUND,
        LedgerError::NotPending => TRANSACTION_NOT_PENDING,
        LedgerError::Ended(_) => TRANSACTION_ENDED,
        LedgerError::Expired => TRANSACTION_EXPIRED,
        LedgerError::NotPosted => TRANSACTION_NOT_POSTED,
        LedgerError::IsReversal => TRANSACTION_IS_REVERSAL,
        LedgerError::Once(_) => web::shared::IDEMPOTENCY_KEY_IN_PROGRESS,
    }
}
