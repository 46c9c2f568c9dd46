//! Token bucket and leaky bucket as one number: GCRA, the generic cell rate algorithm (ITU-T I.371). The state is the
//! *theoretical arrival time*, TAT: when everything that was taken has flowed in again. It only grows, whoever takes,
//! so whoever saw a TAT that refuses a request may refuse it without looking again.
//!
//! Guides: 000 Q10, 002 §22 (both buckets), 003 §2, 004 case 2 (capacity 100, refill 10/s). Times are nanoseconds.

use crate::limit::Limit;

/// A bucket of some capacity that fills at a constant rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gcra {
    /// Time in which one unit flows in.
    pub(crate) interval: i64,
    /// Time in which an empty bucket fills.
    pub(crate) depth: i64,
}

impl Gcra {
    /// The bucket of a limit; full at first.
    pub fn of(limit: Limit) -> Self {
        let interval = limit.interval();
        Self { interval, depth: interval.saturating_mul(i64::try_from(limit.capacity()).unwrap_or(i64::MAX)) }
    }

    /// Takes `cost` units: the TAT afterwards.
    ///
    /// # Errors
    /// When there are fewer in the bucket: when there will be as many, if nobody else takes any.
    pub fn take(self, tat: Option<i64>, now: i64, cost: u64) -> Result<i64, i64> {
        let next = self.start(tat, now).saturating_add(self.span(cost));
        if next.saturating_sub(now) > self.depth { Err(next.saturating_sub(self.depth)) } else { Ok(next) }
    }

    /// Units in the bucket.
    pub fn remaining(self, tat: Option<i64>, now: i64) -> u64 {
        let room = self.depth - (self.start(tat, now) - now);
        u64::try_from(room / self.interval).unwrap_or(0)
    }

    /// Read as a leaky bucket, a queue that drains one unit an interval: how long what arrives now waits for its turn.
    pub fn wait(self, tat: Option<i64>, now: i64) -> i64 {
        self.start(tat, now) - now
    }

    /// Time in which `cost` units flow in.
    pub(crate) fn span(self, cost: u64) -> i64 {
        self.interval.saturating_mul(i64::try_from(cost).unwrap_or(i64::MAX))
    }

    fn start(self, tat: Option<i64>, now: i64) -> i64 {
        tat.unwrap_or(now).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::NANOS;
    use proptest::prelude::*;

    /// Plays requests `(at, cost)` in order; which were admitted.
    fn play(gcra: Gcra, requests: &[(i64, u64)]) -> Vec<bool> {
        let mut tat = None;
        let mut one = |&(at, cost): &(i64, u64)| match gcra.take(tat, at, cost) {
            Ok(next) => {
                tat = Some(next);
                true
            }
            Err(_) => false,
        };
        requests.iter().map(&mut one).collect()
    }

    /// The guides' bucket: capacity 100, 10 a second.
    fn guides() -> Gcra {
        Gcra::of(Limit::new(10, 1).burst(100))
    }

    #[test]
    fn the_guides_token_bucket_starts_full_and_refills_ten_a_second() {
        let gcra = guides();
        assert_eq!(gcra.remaining(None, 0), 100);
        let tat = gcra.take(None, 0, 100).unwrap();
        assert_eq!(gcra.remaining(Some(tat), 0), 0);
        assert_eq!(gcra.remaining(Some(tat), NANOS), 10);
        assert_eq!(gcra.remaining(Some(tat), NANOS / 20), 0, "half a token is none, and is not lost");
        assert_eq!(gcra.remaining(Some(tat), NANOS / 10), 1);
        assert_eq!(gcra.remaining(Some(tat), 3600 * NANOS), 100, "never above its capacity");
    }

    /// Guide 000 answers the time of the last request plus the window; the true wait is deficit / rate.
    #[test]
    fn retry_after_is_the_deficit_over_the_rate() {
        let gcra = guides();
        let tat = gcra.take(None, 0, 98).unwrap();
        assert_eq!(gcra.take(Some(tat), 0, 5), Err(3 * NANOS / 10), "three tokens are missing, ten come a second");
        assert!(gcra.take(Some(tat), 3 * NANOS / 10, 5).is_ok());
        assert!(gcra.take(Some(tat), 3 * NANOS / 10 - 1, 5).is_err());
    }

    /// Guide 002 drains `int(elapsed × rate)` and sets `last = now`, so 20 requests a second drain nothing of 5 a
    /// second: 10 admitted in 100 s. A queue that drains continuously admits its capacity and 5 a second.
    #[test]
    fn the_guides_leaky_bucket_loses_fractions_510_are_due_and_not_10() {
        const RATE: f64 = 5.0;
        let (mut level, mut last, mut by_the_guide) = (0_i64, 0.0, 0);
        let gcra = Gcra::of(Limit::new(5, 1).burst(10));
        let requests: Vec<(i64, u64)> = (0..2000).map(|i| (i * NANOS / 20, 1)).collect();
        for &(at, _) in &requests {
            let now = at as f64 / NANOS as f64;
            level = (level - ((now - last) * RATE) as i64).max(0);
            last = now;
            if level < 10 {
                level += 1;
                by_the_guide += 1;
            }
        }
        let due = play(gcra, &requests).into_iter().filter(|admitted| *admitted).count();
        assert_eq!(by_the_guide, 10);
        assert!((509..=510).contains(&due), "{due}"); // the last tick is 99.95 s
    }

    #[test]
    fn what_is_queued_leaves_at_a_constant_rate() {
        let gcra = Gcra::of(Limit::new(5, 1).burst(3));
        let (mut tat, mut waits) = (None, Vec::new());
        while let Ok(next) = gcra.take(tat, 0, 1) {
            waits.push(gcra.wait(tat, 0));
            tat = Some(next);
        }
        assert_eq!(waits, [0, NANOS / 5, 2 * NANOS / 5], "and the fourth overflows");
    }

    /// A bucket as the guides describe it, slowly and in fractions without rounding: units of 1/interval tokens.
    fn reference(capacity: i64, interval: i64, requests: &[(i64, u64)]) -> Vec<bool> {
        let (mut full, mut last) = (i128::from(capacity) * i128::from(interval), None);
        let most = full;
        let mut one = |&(at, cost): &(i64, u64)| {
            full = (full + i128::from(at - last.unwrap_or(at))).min(most);
            last = Some(at);
            let needed = i128::from(cost) * i128::from(interval);
            let admitted = needed <= full;
            full -= if admitted { needed } else { 0 };
            admitted
        };
        requests.iter().map(&mut one).collect()
    }

    fn requests() -> impl Strategy<Value = Vec<(i64, u64)>> {
        prop::collection::vec((0..3 * NANOS, 1..4_u64), 1..200).prop_map(|mut gaps| {
            let mut at = 0;
            gaps.iter_mut().for_each(|(gap, _)| {
                at += *gap;
                *gap = at;
            });
            gaps
        })
    }

    proptest! {
        #[test]
        fn it_admits_what_a_bucket_admits(
            quota in 1..20_u64,
            per in 1..30_u32,
            burst in 1..20_u64,
            requests in requests(),
        ) {
            let limit = Limit::new(quota, per).burst(burst);
            let expected = reference(i64::try_from(burst).unwrap(), limit.interval(), &requests);
            prop_assert_eq!(play(Gcra::of(limit), &requests), expected);
        }

        #[test]
        fn at_a_limit_of_one_there_is_one_in_each_window(per in 1..30_u32, requests in requests()) {
            let (requests, gcra): (Vec<_>, _) =
                (requests.into_iter().map(|(at, _)| (at, 1)).collect(), Gcra::of(Limit::new(1, per)));
            let admitted = play(gcra, &requests);
            let pairs = requests.iter().zip(admitted).filter(|(_, yes)| *yes);
            let times: Vec<i64> = pairs.map(|((at, _), _)| *at).collect();
            prop_assert!(times.windows(2).all(|two| two[1] - two[0] >= i64::from(per) * NANOS));
            prop_assert!(!times.is_empty());
        }

        #[test]
        fn a_refusal_tells_exactly_when(tat in 0..1_000 * NANOS, now in 0..1_000 * NANOS, cost in 1..100_u64) {
            let gcra = guides();
            if let Err(at) = gcra.take(Some(tat), now, cost) {
                prop_assert!(at > now && gcra.take(Some(tat), at, cost).is_ok());
                prop_assert!(gcra.take(Some(tat), at - 1, cost).is_err());
            }
        }
    }
}
