//! Names of policies, and why a request is refused.

use limiter::{CheckError, PolicyError, Space};
use types::OnceRefusal;

/// Most checks of a batch.
pub const MOST_CHECKS: usize = 100;
/// Longest time in which a reservation can be reconciled, in seconds.
pub const MOST_RESERVED_SECONDS: u32 = 3600;
/// Largest cost of a check.
pub const MOST_COST: u64 = 1_000_000_000;

/// A policy, as callers name it: `api` is their own, `url-shortener.creates` is that of a system's routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyName {
    /// Whose.
    pub space: Space,
    /// Its id there.
    pub id: String,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum LimitError {
    #[error("a policy's id is a letter, then up to 63 of a-z 0-9 -")]
    Name,
    #[error("there is no such policy")]
    NotFound,
    #[error("a policy of a system's routes is for whoever has the scope admin")]
    AdminNeeded,
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error("a cost is -1,000,000,000 to 1,000,000,000 and not 0")]
    CostRange,
    #[error(
        "units of a policy with shards, or of mode never_over or never_under, can be neither given back nor reserved"
    )]
    NoReturn,
    #[error("this mode is not one that the policy can be checked in")]
    NoSuchMode,
    #[error("a batch has 1 to {MOST_CHECKS} checks")]
    Batch,
    #[error("this is no reservation of yours")]
    Reservation,
    #[error("the reservation's time is over; what it took stays taken")]
    ReservationExpired,
    #[error("another version is the newest by now, or there is none")]
    Version(Option<u64>),
    #[error(transparent)]
    Once(#[from] OnceRefusal),
}

impl PolicyName {
    /// Reads a name that a caller uses. `admin`: whether it may name a system's policies.
    ///
    /// # Errors
    /// For what is no name, and for a system's that is not the caller's business.
    pub fn parse(text: &str, caller: &str, admin: bool) -> Result<Self, LimitError> {
        match text.split_once('.') {
            None if is_id(text) => Ok(Self { space: Space::Tenant(caller.to_owned()), id: text.to_owned() }),
            Some((system, id)) if is_id(system) && is_id(id) => match admin {
                true => Ok(Self { space: Space::System(system.to_owned()), id: id.to_owned() }),
                false => Err(LimitError::AdminNeeded),
            },
            _ => Err(LimitError::Name),
        }
    }

    /// A policy that one can check against: a tenant's. (A system's buckets are known by keys of the system's own.)
    ///
    /// # Errors
    /// For any other.
    pub fn checkable(text: &str, caller: &str) -> Result<Self, LimitError> {
        if is_id(text) { Self::parse(text, caller, false) } else { Err(LimitError::NotFound) }
    }
}

fn is_id(text: &str) -> bool {
    let rest = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=64).contains(&text.len()) && text.as_bytes()[0].is_ascii_lowercase() && text.bytes().all(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_callers_own_or_an_admins_of_a_system() {
        let own = PolicyName { space: Space::Tenant("alice".into()), id: "api".into() };
        assert_eq!(PolicyName::parse("api", "alice", false), Ok(own));
        let system = PolicyName { space: Space::System("url-shortener".into()), id: "creates".into() };
        assert_eq!(PolicyName::parse("url-shortener.creates", "root", true), Ok(system));
        assert_eq!(PolicyName::parse("url-shortener.creates", "alice", false), Err(LimitError::AdminNeeded));
        for bad in ["", "API", "1a", "a#b", "a.b.c", "a.", ".a", &"a".repeat(65)] {
            assert_eq!(PolicyName::parse(bad, "alice", true), Err(LimitError::Name), "{bad}");
        }
        assert_eq!(PolicyName::checkable("url-shortener.creates", "root"), Err(LimitError::NotFound));
    }
}
