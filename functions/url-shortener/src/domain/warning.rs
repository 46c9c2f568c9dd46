//! Telling a link's owner that it expires soon.

use std::time::Duration;

use types::Instant;

use super::Link;

/// How long before its end a link's owner is told of it.
const WARNING: Duration = Duration::from_secs(24 * 3600);

/// When the owner of a link is told that it expires soon. Not at all if its end was set less than a day ahead: who sets
/// it knows.
pub(crate) fn warning_before(end: Instant, now: Instant) -> Option<Instant> {
    let at = end - WARNING;
    (at > now).then_some(at)
}

/// The end that a warning at this time is of.
pub(crate) fn end_of_warning(at: Instant) -> Instant {
    at + WARNING
}

impl Link {
    /// The link as it is stored later than it was claimed. A warning that is past by then is left out, since the sweep
    /// may have left its hour behind.
    pub fn stored_at(self, now: Instant) -> Self {
        Self { warn_at: self.warn_at.filter(|&at| at > now), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::link::tests::{NOW, brief};
    use super::*;

    #[test]
    fn an_owner_is_warned_a_day_ahead_of_an_end_that_was_further_off() {
        const DAY: u64 = 24 * 3600;
        assert_eq!(brief(DAY).warn_at, None);
        let link = brief(DAY + 1);
        assert_eq!(link.warn_at, Some(NOW + Duration::from_secs(1)));
        assert_eq!(link.warn_at.map(end_of_warning), link.expires_at);
        assert_eq!(link.clone().stored_at(NOW), link);
        assert_eq!(link.stored_at(NOW + Duration::from_secs(1)).warn_at, None);
    }
}
