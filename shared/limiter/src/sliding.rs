//! Sliding window counter: this window's count and the part of the last one's that the sliding window still covers,
//! as if it had come evenly (guides 003 and 004).
//!
//! A request passes while the estimate before it is below the quota, as in the guides, so the share of the last window
//! is rounded down. Rounded up, a limit of 1 would admit one request in two windows.

use crate::fixed::Window;
use crate::limit::Limit;

/// Units that the last window still counts for.
pub fn share(limit: Limit, previous: u64, now: i64) -> u64 {
    let Window { end, .. } = Window::at(limit, now);
    let share =
        u128::from(previous) * u128::from((end - now).unsigned_abs()) / u128::from(limit.window().unsigned_abs());
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// Takes `cost` units where `previous` were taken in the last window and `current` in this one: the units taken in this
/// one afterwards.
///
/// # Errors
/// When the estimate leaves no room: when it will, if nobody else takes any.
pub fn take(limit: Limit, previous: u64, current: u64, now: i64, cost: u64) -> Result<u64, i64> {
    let next = current.saturating_add(cost);
    if next.saturating_add(share(limit, previous, now)) <= limit.quota {
        return Ok(next);
    }
    let Window { start, end } = Window::at(limit, now);
    // In this window the last one fades; in the next, this one does.
    Err(match limit.quota.checked_sub(next) {
        Some(room) => start + faded(limit, previous, room),
        None => end + limit.quota.checked_sub(cost).map_or(limit.window(), |room| faded(limit, current, room)),
    })
}

/// How long after a window began the share of the one before it is at most `room`.
fn faded(limit: Limit, previous: u64, room: u64) -> i64 {
    let Some(above) = previous.checked_sub(room + 1) else { return 0 };
    let at = u128::from(limit.window().unsigned_abs()) * u128::from(above) / u128::from(previous);
    i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::NANOS;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn the_guides_example_40_and_half_of_60_is_70_of_100() {
        let minute = Limit::new(100, 60);
        let halfway = 90 * NANOS;
        assert_eq!(40 + share(minute, 60, halfway), 70);
        assert_eq!(take(minute, 60, 40, halfway, 30), Ok(70));
        assert!(take(minute, 60, 40, halfway, 31).is_err());
    }

    #[test]
    fn the_edge_of_a_window_does_not_let_twice_the_quota_pass() {
        let (minute, mut current) = (Limit::new(100, 60), 0);
        while let Ok(next) = take(minute, 100, current, 60 * NANOS, 1) {
            current = next;
        }
        assert_eq!(current, 0, "all of the last window still counts");
    }

    fn play(limit: Limit, requests: &[i64]) -> Vec<bool> {
        let mut windows: HashMap<i64, u64> = HashMap::new();
        let mut one = |&at: &i64| {
            let start = Window::at(limit, at).start;
            let previous = windows.get(&(start - limit.window())).copied().unwrap_or(0);
            let current = windows.entry(start).or_default();
            take(limit, previous, *current, at, 1).map(|next| *current = next).is_ok()
        };
        requests.iter().map(&mut one).collect()
    }

    /// A limit of 1, where rounding decides (upstash/ratelimit-js#39): one passes in each window.
    #[test]
    fn at_a_limit_of_one_each_window_has_its_one() {
        let second = Limit::new(1, 1);
        let requests: Vec<i64> = (0..100).map(|i| i * NANOS / 10 + 1).collect();
        assert_eq!(play(second, &requests).into_iter().filter(|yes| *yes).count(), 10);
    }

    proptest! {
        /// Counted again from all that was admitted, in fractions: it passes while the estimate is below the quota.
        #[test]
        fn it_admits_while_the_estimate_is_below_the_quota(
            quota in 1..10_u64,
            per in 1..5_u32,
            mut times in prop::collection::vec(0..20 * NANOS, 1..200),
        ) {
            times.sort_unstable();
            let (limit, length) = (Limit::new(quota, per), i128::from(per) * i128::from(NANOS));
            let mut admitted: Vec<i128> = Vec::new();
            let expected: Vec<bool> = times.iter().map(|&at| {
                let at = i128::from(at);
                let of = |window: i128| admitted.iter().filter(|&&other| other / length == window).count() as i128;
                let estimate = of(at / length) * length + of(at / length - 1) * (length - at % length);
                let pass = estimate < i128::from(quota) * length;
                if pass { admitted.push(at); }
                pass
            }).collect();
            prop_assert_eq!(play(limit, &times), expected);
        }

        #[test]
        fn a_refusal_tells_exactly_when(
            quota in 1..50_u64,
            previous in 0..60_u64,
            current in 0..60_u64,
            now in 0..20 * NANOS,
            cost in 1..5_u64,
        ) {
            let limit = Limit::new(quota, 4);
            prop_assume!(cost <= quota);
            if let Err(at) = take(limit, previous, current, now, cost) {
                let length = limit.window();
                let then = |at: i64| match at / length == now / length {
                    true => take(limit, previous, current, at, cost),
                    false => take(limit, current, 0, at, cost),
                };
                prop_assert!(at > now && then(at).is_ok(), "{at}");
                prop_assert!(then(at - 1).is_err());
            }
        }
    }
}
