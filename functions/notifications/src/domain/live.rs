//! The inbox, live: who is connected to it, and what is told of changes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::Instant;
use types::time::millis;

/// Connections of a user at once: so many devices and tabs are told of each change.
pub const MOST_CONNECTIONS: usize = 20;
/// How long a connection lives (API Gateway quotas: 2 hours).
const LIVES: Duration = Duration::from_secs(2 * 3600);
/// What clocks may differ by before a place is given to another.
const MARGIN: Duration = Duration::from_secs(600);

/// A connection to a user's inbox. It has one of the user's places, which bound their number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// API Gateway's id of it.
    pub connection: String,
    /// Whose user.
    pub tenant: String,
    /// The user.
    pub user: String,
    /// Which of the user's places it has.
    pub place: usize,
    /// When it is closed at the latest, and its place free.
    #[serde(with = "millis")]
    pub ends_at: Instant,
    /// When it is forgotten, in seconds since the epoch.
    pub purge_at: i64,
}

impl Connection {
    /// A connection that was opened at `now`.
    pub fn new(connection: &str, tenant: &str, user: &str, place: usize, now: Instant) -> Self {
        let (connection, tenant, user) = (connection.to_owned(), tenant.to_owned(), user.to_owned());
        let ends_at = now + LIVES + MARGIN;
        Self { connection, tenant, user, place, ends_at, purge_at: ends_at.seconds() }
    }
}

/// A place that none of these connections has, of those that are not over. Where it begins to look depends on the
/// connection, so that tabs that are opened at once do not ask for the same one.
pub fn free_place(connection: &str, taken: &[Connection], now: Instant) -> Option<usize> {
    let is_taken = |place: usize| taken.iter().any(|it| it.place == place && it.ends_at > now);
    let first = connection.bytes().fold(0, |sum, byte| (sum * 31 + usize::from(byte)) % MOST_CONNECTIONS);
    (first..MOST_CONNECTIONS).chain(0..first).find(|&place| !is_taken(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_when_its_connection_is_over() {
        let now = Instant::from_seconds(1_800_000_000);
        let mut taken: Vec<_> =
            (0..MOST_CONNECTIONS).map(|place| Connection::new("c", "acme", "ada", place, now)).collect();
        let free_place = |taken: &[Connection], now| super::free_place("c", taken, now);
        assert!(free_place(&[], now).is_some_and(|place| place < MOST_CONNECTIONS));
        assert_eq!(free_place(&taken, now), None);
        let after = now + LIVES + MARGIN;
        assert_eq!(free_place(&taken, Instant::from_millis(after.millis() - 1)), None);
        assert!(free_place(&taken, after).is_some());
        taken.remove(7);
        assert_eq!(free_place(&taken, now), Some(7));
    }
}
