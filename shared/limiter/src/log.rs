//! Sliding window log: the exact answer, at the price of keeping each request. For limits of at most [`MOST_ENTRIES`].
//!
//! The guides' version in Redis merges requests of the same moment (002: the time is the member of a set) and notes
//! refused ones too (003), so a client that goes on asking is never let in again. Here each request is an entry of its
//! own, and only what was admitted is noted.

use crate::limit::Limit;

/// Largest quota: the log is one item, read and written whole.
pub const MOST_ENTRIES: u64 = 200;

/// Entries of the window that ends at `now`; `log` is in order.
pub fn within(limit: Limit, log: &[i64], now: i64) -> &[i64] {
    let first = log.partition_point(|&at| at.saturating_add(limit.window()) <= now);
    &log[first..]
}

/// Takes `cost` units: the log afterwards.
///
/// # Errors
/// When the window has no room: when it will, if nobody else takes any.
pub fn take(limit: Limit, log: &[i64], now: i64, cost: u64) -> Result<Vec<i64>, i64> {
    let kept = within(limit, log, now);
    let excess = (kept.len() as u64).saturating_add(cost).saturating_sub(limit.quota);
    if excess > 0 {
        // The entry whose end makes room enough; a cost beyond the quota never fits.
        let index = usize::try_from(excess - 1).unwrap_or(usize::MAX).min(kept.len().saturating_sub(1));
        return Err(kept.get(index).copied().unwrap_or(now).saturating_add(limit.window()));
    }
    Ok(noted(kept, now, cost))
}

/// The log with `cost` entries at `now`, in order whatever other clocks wrote.
pub(crate) fn noted(log: &[i64], now: i64, cost: u64) -> Vec<i64> {
    let mut log = log.to_vec();
    let place = log.partition_point(|&at| at <= now);
    let entries = usize::try_from(cost.min(2 * MOST_ENTRIES)).unwrap_or(0);
    log.splice(place..place, std::iter::repeat_n(now, entries));
    // What was charged beyond the quota: the newest count for longest.
    let most = usize::try_from(2 * MOST_ENTRIES).unwrap_or(usize::MAX);
    log.drain(..log.len().saturating_sub(most));
    log
}

/// The log without `cost` entries: those of `now` first, then the oldest, which would have left next. So no window gets
/// more than its quota by what others took.
pub(crate) fn returned(log: &[i64], now: i64, cost: u64) -> Vec<i64> {
    let cost = usize::try_from(cost).unwrap_or(usize::MAX);
    let own = log.iter().filter(|at| **at == now).count().min(cost);
    let mut left = own;
    let mut without = Vec::with_capacity(log.len());
    for &at in log {
        if at == now && left > 0 {
            left -= 1;
        } else {
            without.push(at);
        }
    }
    without.drain(..(cost - own).min(without.len()));
    without
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::NANOS;
    use proptest::prelude::*;

    fn play(limit: Limit, requests: &[i64]) -> Vec<bool> {
        let mut log = Vec::new();
        let mut one = |&at: &i64| take(limit, &log, at, 1).map(|next| log = next).is_ok();
        requests.iter().map(&mut one).collect()
    }

    #[test]
    fn requests_of_the_same_moment_are_several() {
        assert_eq!(play(Limit::new(2, 60), &[7, 7, 7]), [true, true, false]);
    }

    /// Guide 003 adds the entry before it looks at the count.
    #[test]
    fn a_refused_request_does_not_prolong_the_refusal() {
        let minute = Limit::new(1, 60);
        let asking: Vec<i64> = (0..=60).map(|second| second * NANOS).collect();
        let admitted = play(minute, &asking);
        assert!(admitted[0] && admitted[60] && !admitted[1..60].iter().any(|yes| *yes));
    }

    /// Guide 000 answers the whole window.
    #[test]
    fn retry_after_is_until_the_oldest_entry_leaves() {
        let minute = Limit::new(2, 60);
        let log = take(minute, &take(minute, &[], 0, 1).unwrap(), 50 * NANOS, 1).unwrap();
        assert_eq!(take(minute, &log, 55 * NANOS, 1), Err(60 * NANOS));
        assert_eq!(take(minute, &log, 55 * NANOS, 2), Err(110 * NANOS));
    }

    #[test]
    fn what_is_given_back_is_ones_own_or_the_oldest() {
        assert_eq!(returned(&[1, 5, 5, 9], 5, 1), [1, 5, 9]);
        assert_eq!(returned(&[1, 5, 5, 9], 5, 3), [9]);
        assert_eq!(returned(&[1, 5, 9], 7, 1), [5, 9]);
        assert_eq!(returned(&[1], 1, 9), [0_i64; 0]);
    }

    proptest! {
        #[test]
        fn in_no_window_are_more_than_the_quota(
            quota in 1..10_u64,
            per in 1..5_u32,
            mut times in prop::collection::vec(0..20 * NANOS, 1..200),
        ) {
            times.sort_unstable();
            let mut admitted: Vec<i64> = Vec::new();
            let expected: Vec<bool> = times.iter().map(|&at| {
                let inside = admitted.iter().filter(|&&other| other > at - i64::from(per) * NANOS).count() as u64;
                if inside < quota { admitted.push(at); }
                inside < quota
            }).collect();
            prop_assert_eq!(play(Limit::new(quota, per), &times), expected);
        }
    }
}
