//! Reservations: units taken before it is known how many are needed, and set right afterwards (tokens of a language
//! model, bytes of a transfer). A reservation is a signed text that the caller keeps; nothing is stored of it until it
//! is reconciled.

use std::collections::BTreeMap;

use types::{Instant, Tier};
use web::{Cursor, CursorKey};

use crate::domain::LimitError;

/// What was reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its own id, by which it is reconciled once.
    pub id: String,
    /// The policy's id.
    pub policy: String,
    /// The keys' tier.
    pub tier: Tier,
    /// Units taken.
    pub units: u64,
    /// When they were taken …
    pub at: Instant,
    /// … and by dimension, from when on a bucket has them again.
    pub back_at: BTreeMap<String, Instant>,
    /// Until when it can be reconciled.
    pub until: Instant,
    /// The keys.
    pub keys: BTreeMap<String, String>,
}

fn list(caller: &str) -> String {
    format!("reservations of {caller}")
}

impl Reservation {
    /// The text that stands for it, worth nothing to another caller.
    pub fn write(&self, caller: &str, key: &CursorKey) -> String {
        let Self { id, policy, tier, units, at, back_at, until, keys } = self;
        let text = |value: serde_json::Value| value.to_string();
        let members: Cursor = [
            ("id", id.clone()),
            ("policy", policy.clone()),
            ("tier", text(serde_json::json!(tier))),
            ("units", units.to_string()),
            ("at", at.millis().to_string()),
            ("back_at", text(serde_json::json!(back_at))),
            ("until", until.millis().to_string()),
            ("keys", text(serde_json::json!(keys))),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        key.write(&list(caller), &members)
    }

    /// Reads it back.
    ///
    /// # Errors
    /// For what was not written for this caller, and for what is too late.
    pub fn read(text: &str, caller: &str, key: &CursorKey, now: Instant) -> Result<Self, LimitError> {
        let members = key.read(&list(caller), Some(text)).ok().flatten().ok_or(LimitError::Reservation)?;
        let read = || {
            let member = |name: &str| members.get(name);
            let time = |name: &str| Some(Instant::from_millis(member(name)?.parse().ok()?));
            Some(Self {
                id: member("id")?.clone(),
                policy: member("policy")?.clone(),
                tier: serde_json::from_str(member("tier")?).ok()?,
                units: member("units")?.parse().ok()?,
                at: time("at")?,
                back_at: serde_json::from_str(member("back_at")?).ok()?,
                until: time("until")?,
                keys: serde_json::from_str(member("keys")?).ok()?,
            })
        };
        let reservation = read().ok_or(LimitError::Reservation)?;
        if reservation.until <= now { Err(LimitError::ReservationExpired) } else { Ok(reservation) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Secret;

    #[test]
    fn a_reservation_is_its_callers_and_ends() {
        let key = CursorKey::of(&Secret::new("0123456789abcdef0123456789abcdef").unwrap());
        let until = Instant::from_seconds(100);
        let keys = BTreeMap::from([("user".to_owned(), "u\"1".to_owned())]);
        let (id, policy, at) = ("r".to_owned(), "api".to_owned(), Instant::from_seconds(90));
        let back_at = BTreeMap::from([("user".to_owned(), until)]);
        let reservation = Reservation { id, policy, tier: Tier::Pro, units: 7, at, back_at, until, keys };
        let text = reservation.write("alice", &key);
        assert_eq!(Reservation::read(&text, "alice", &key, Instant::from_seconds(99)), Ok(reservation));
        assert_eq!(Reservation::read(&text, "alice", &key, until), Err(LimitError::ReservationExpired));
        assert_eq!(Reservation::read(&text, "bob", &key, until), Err(LimitError::Reservation));
        assert_eq!(Reservation::read("", "alice", &key, until), Err(LimitError::Reservation));
    }
}
