//! How long others may keep where a link led.

use std::time::Duration;

use types::Instant;

use super::Link;

/// Longest time that a browser may keep a permanent redirect: edits and expiry are seen after it.
const MOST_MAX_AGE: Duration = Duration::from_secs(90);

impl Link {
    /// How long a browser may keep where the link led it: nothing for a temporary redirect, and for one that hangs on
    /// the visitor, the time or the number of clicks.
    pub fn max_age(&self, now: Instant) -> Duration {
        let fixed = self.rules.is_empty() && self.max_clicks.is_none() && self.password.is_none();
        if !fixed || !self.redirect_status.is_permanent() {
            return Duration::ZERO;
        }
        self.expires_at.map_or(MOST_MAX_AGE, |at| now.until(at).min(MOST_MAX_AGE))
    }

    /// How long an edge cache may answer for the link, of the `most` that the stage allows.
    pub fn edge_age(&self, most: Duration, now: Instant) -> Duration {
        let same_for_all = self.rules.is_empty() && self.max_clicks.is_none() && self.password.is_none();
        if !same_for_all || self.forward_query {
            return Duration::ZERO;
        }
        self.expires_at.map_or(most, |at| now.until(at).min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::super::RedirectStatus;
    use super::super::link::tests::{NOW, brief};
    use super::*;

    #[test]
    fn a_permanent_redirect_is_kept_for_90_seconds_and_never_past_the_end() {
        let mut link = brief(3600);
        assert_eq!(link.max_age(NOW), Duration::ZERO, "a 302 is asked again every time");
        link.redirect_status = RedirectStatus::MovedPermanently;
        assert_eq!(link.max_age(NOW), Duration::from_secs(90));
        assert_eq!(link.max_age(NOW + Duration::from_secs(3599)), Duration::from_secs(1));
        link.max_clicks = Some(1);
        assert_eq!(link.max_age(NOW), Duration::ZERO, "the second click must be seen");
    }
}
