//! Rate limits: the algorithms as pure functions of a state and a time, and their state in DynamoDB, taken from by one
//! conditional write. Sources: guides 000 Q10, 002 §22, 003 §2, 004 case 2; ITU-T I.371 (GCRA).
//!
//! The clock of who asks decides. One that is ahead by `d` is given at most `d / interval` units too early; Lambda's
//! hosts agree to milliseconds.

mod ahead;
mod all;
mod attempt;
mod bucket;
mod decision;
mod fixed;
mod gcra;
pub mod guides;
mod limit;
mod limiter;
mod log;
mod memory;
mod policies;
mod policy;
mod settle;
#[cfg(test)]
mod simulation;
mod sliding;
mod subject;
mod takes;
mod validate;
mod write;

pub use decision::{Decision, Part, Reason};
pub(crate) use gcra::Gcra;
pub use limit::{Limit, MOST_QUOTA, MOST_SECONDS};
pub use limiter::Limiter;
pub use policies::{Policies, StoredPolicy};
pub use policy::{
    Algorithm, Ban, Counts, Dimension, Lease, MOST_DIMENSIONS, MOST_SHARDS, Mode, Policy, Sync, Unavailable,
};
pub use settle::{SettleError, Settled, Settlement};
pub use subject::{CheckError, MOST_KEY_BYTES, Space, Subject};
pub use validate::PolicyError;

use limit::MILLIS;
use types::Instant;

/// Nanoseconds since the epoch.
pub(crate) fn nanos(at: Instant) -> i64 {
    at.millis().saturating_mul(MILLIS)
}

/// The first millisecond that is not before `nanos`.
pub(crate) fn instant(nanos: i64) -> Instant {
    Instant::from_millis(nanos.div_euclid(MILLIS) + i64::from(nanos.rem_euclid(MILLIS) > 0))
}
