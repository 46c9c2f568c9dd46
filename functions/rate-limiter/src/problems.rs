//! Refusals as HTTP problems.

use limiter::{CheckError, SettleError};
use web::{Kind, Problem};

use crate::domain::LimitError;

web::problems! {
    POLICY_NAME_INVALID = UNPROCESSABLE_ENTITY "rate-limiter/policy-name-invalid" "The policy cannot be called this";
    POLICY_INVALID = UNPROCESSABLE_ENTITY "rate-limiter/policy-invalid" "The policy's parts do not go together";
    POLICY_NOT_FOUND = NOT_FOUND "rate-limiter/policy-not-found" "There is no such policy";
    ADMIN_NEEDED = FORBIDDEN "rate-limiter/admin-needed" "Only an admin key may do this";
    KEYS_INVALID = UNPROCESSABLE_ENTITY "rate-limiter/keys-invalid" "The keys are not those of the policy's dimensions";
    COST_INVALID = UNPROCESSABLE_ENTITY "rate-limiter/cost-invalid" "The cost cannot be taken";
    MODE_INVALID = UNPROCESSABLE_ENTITY "rate-limiter/mode-invalid" "The policy cannot be used in this way";
    BATCH_INVALID = UNPROCESSABLE_ENTITY "rate-limiter/batch-invalid" "The batch is empty or too long";
    RESERVATION_INVALID = UNPROCESSABLE_ENTITY "rate-limiter/reservation-invalid" "This is no reservation";
    RESERVATION_SETTLED = CONFLICT "rate-limiter/reservation-settled" "The reservation was reconciled otherwise";
    RESERVATION_EXPIRED = GONE "rate-limiter/reservation-expired" "The reservation's time is over";
}

impl From<LimitError> for Problem {
    fn from(refusal: LimitError) -> Self {
        let detail = refusal.to_string();
        let problem = match refusal {
            LimitError::Version(version) => Self::of(web::shared::PRECONDITION_FAILED).with("version", version),
            LimitError::Check(CheckError::Cost { most, .. }) => Self::of(COST_INVALID).with("most", most),
            LimitError::Once(types::OnceRefusal::Mismatch) => Self::of(RESERVATION_SETTLED),
            LimitError::Once(refusal) => return refusal.into(),
            other => Self::of(kind(&other)),
        };
        problem.detail(detail)
    }
}

/// The type of a refusal that has nothing to add.
fn kind(refusal: &LimitError) -> Kind {
    match refusal {
        LimitError::Name => POLICY_NAME_INVALID,
        LimitError::NotFound => POLICY_NOT_FOUND,
        LimitError::AdminNeeded => ADMIN_NEEDED,
        LimitError::Policy(_) => POLICY_INVALID,
        LimitError::Check(_) => KEYS_INVALID,
        LimitError::CostRange => COST_INVALID,
        LimitError::NoReturn | LimitError::NoSuchMode => MODE_INVALID,
        LimitError::Batch => BATCH_INVALID,
        LimitError::Reservation => RESERVATION_INVALID,
        LimitError::ReservationExpired => RESERVATION_EXPIRED,
        LimitError::Version(_) => web::shared::PRECONDITION_FAILED,
        LimitError::Once(_) => RESERVATION_SETTLED,
    }
}

impl From<SettleError> for LimitError {
    fn from(refusal: SettleError) -> Self {
        match refusal {
            SettleError::Once(refusal) => Self::Once(refusal),
            SettleError::Check(refusal) => Self::Check(refusal),
        }
    }
}
