//! Fixed window: so many in each window, and windows begin at multiples of their length since the epoch.
//!
//! Its weakness is known and kept: at the edge of two windows twice the quota passes in a moment (100 at 0:59 and 100
//! at 1:00, guides 000, 003 and 004).

use crate::limit::Limit;

/// One window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When it began, in nanoseconds since the epoch.
    pub start: i64,
    /// When the next one begins.
    pub end: i64,
}

impl Window {
    /// The window of `limit` that `now` falls in.
    pub fn at(limit: Limit, now: i64) -> Self {
        let length = limit.window();
        let start = now.div_euclid(length) * length;
        Self { start, end: start.saturating_add(length) }
    }
}

/// Takes `cost` units where `taken` were taken in this window: the units taken afterwards.
///
/// # Errors
/// When the quota does not suffice: when the next window begins.
pub fn take(limit: Limit, taken: u64, now: i64, cost: u64) -> Result<u64, i64> {
    let next = taken.saturating_add(cost);
    if next > limit.quota { Err(Window::at(limit, now).end) } else { Ok(next) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::NANOS;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn play(limit: Limit, requests: &[i64]) -> Vec<bool> {
        let mut windows: HashMap<i64, u64> = HashMap::new();
        let mut one = |&at: &i64| {
            let taken = windows.entry(Window::at(limit, at).start).or_default();
            take(limit, *taken, at, 1).map(|next| *taken = next).is_ok()
        };
        requests.iter().map(&mut one).collect()
    }

    #[test]
    fn twice_the_quota_passes_at_the_edge_of_two_windows() {
        let minute = Limit::new(100, 60);
        let requests: Vec<i64> = (0..400).map(|i| 59 * NANOS + i * NANOS / 200).collect();
        let admitted = play(minute, &requests).into_iter().filter(|yes| *yes).count();
        assert_eq!(admitted, 200, "100 at 0:59 and 100 at 1:00");
    }

    #[test]
    fn windows_are_aligned_to_the_epoch() {
        let minute = Limit::new(100, 60);
        assert_eq!(Window::at(minute, 119 * NANOS), Window { start: 60 * NANOS, end: 120 * NANOS });
        assert_eq!(Window::at(minute, 120 * NANOS).start, 120 * NANOS);
        assert_eq!(take(minute, 100, 119 * NANOS, 1), Err(120 * NANOS));
    }

    proptest! {
        /// Counted again from the start for each request.
        #[test]
        fn it_admits_the_quota_of_each_window(
            quota in 1..10_u64,
            per in 1..5_u32,
            mut times in prop::collection::vec(0..20 * NANOS, 1..200),
        ) {
            times.sort_unstable();
            let limit = Limit::new(quota, per);
            let mut admitted: Vec<i64> = Vec::new();
            let length = i64::from(per) * NANOS;
            let expected: Vec<bool> = times.iter().map(|&at| {
                let same = admitted.iter().filter(|&&other| other / length == at / length).count() as u64;
                if same < quota { admitted.push(at); }
                same < quota
            }).collect();
            prop_assert_eq!(play(limit, &times), expected);
        }
    }
}
