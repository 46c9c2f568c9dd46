//! The writes against the pure algorithms, on a table in memory.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::fixed::Window;
use crate::limit::Limit;
use crate::{fixed, sliding};

const ALGORITHMS: [Algorithm; 5] = [
    Algorithm::TokenBucket,
    Algorithm::LeakyBucket,
    Algorithm::FixedWindow,
    Algorithm::SlidingLog,
    Algorithm::SlidingCounter,
];

/// The table's items by window; buckets and logs have one.
#[derive(Default)]
struct Table(HashMap<i64, Row>);

impl Table {
    fn taken(&self, window: i64) -> u64 {
        self.0.get(&window).and_then(|row| row.taken).unwrap_or(0)
    }

    /// Takes by writes, as `Limiter` does; whether there was room.
    fn take(&mut self, rule: Rule, now: i64, cost: u64, guess: bool, request: &str) -> bool {
        let window = rule.window(now);
        let previous = window.map_or(0, |window| self.taken(window.start - rule.limit.window()));
        if rule.standing(&Row::default(), previous, now, cost).retry_at.is_some() {
            return false;
        }
        let place = window.map_or(0, |window| window.start);
        let change = Change::Take(cost);
        let mut attempt = Attempt::new(rule, change, None, previous, guess, now, request.to_owned());
        for _ in 0..3 {
            match attempt.write().apply(self.0.get(&place), request) {
                Some(row) => {
                    self.0.insert(place, row);
                    return true;
                }
                None => match attempt.refused(self.0.get(&place).cloned()) {
                    Some(Outcome::Done(_)) => return true,
                    Some(Outcome::Denied(_)) => return false,
                    None => {}
                },
            }
        }
        panic!("the writes of one bucket alternate at most once: {attempt:?}");
    }
}

proptest! {
    /// The writes decide as the pure algorithms do, whichever is guessed first.
    #[test]
    fn writes_decide_as_the_algorithms(
        which in 0..5_usize,
        quota in 1..30_u64,
        per in 1..5_u32,
        requests in prop::collection::vec((0..3 * NANOS, 1..30_u64, any::<bool>()), 1..60),
    ) {
        let limit = Limit::new(quota, per);
        let rule = Rule { algorithm: ALGORITHMS[which], limit };
        let (mut table, mut tat, mut log) = (Table::default(), None, Vec::new());
        let mut windows: HashMap<i64, u64> = HashMap::new();
        let mut now = 0;
        for (number, (gap, cost, guess)) in requests.into_iter().enumerate() {
            now += gap;
            let cost = cost.min(quota);
            let start = Window::at(limit, now).start;
            let of = |windows: &HashMap<i64, u64>, at: i64| windows.get(&at).copied().unwrap_or(0);
            let (before, here) = (of(&windows, start - limit.window()), of(&windows, start));
            let expected = match rule.algorithm {
                Algorithm::TokenBucket | Algorithm::LeakyBucket => {
                    Gcra::of(limit).take(tat, now, cost).map(|next| tat = Some(next)).is_ok()
                }
                Algorithm::SlidingLog => crate::log::take(limit, &log, now, cost).map(|next| log = next).is_ok(),
                Algorithm::FixedWindow => {
                    fixed::take(limit, here, now, cost).map(|next| windows.insert(start, next)).is_ok()
                }
                Algorithm::SlidingCounter => {
                    sliding::take(limit, before, here, now, cost).map(|next| windows.insert(start, next)).is_ok()
                }
            };
            let decided = table.take(rule, now, cost, guess, &number.to_string());
            prop_assert_eq!(decided, expected, "{} at {}", number, now);
        }
    }

    /// What is given back was taken, and debts end: no TAT leaves the range of its type.
    #[test]
    fn refunds_and_charges_stay_in_range(
        changes in prop::collection::vec((any::<bool>(), 0..2_000_000_000_u64), 1..40),
    ) {
        let limit = Limit::new(1, crate::limit::MOST_SECONDS);
        let rule = Rule { algorithm: Algorithm::TokenBucket, limit };
        let (now, mut row) = (1_800_000_000 * NANOS, None);
        for (number, (charge, units)) in changes.into_iter().enumerate() {
            let change = if charge { Change::Charge(units) } else { Change::Refund(units) };
            let request = number.to_string();
            let mut attempt = Attempt::new(rule, change, None, 0, false, now, request.clone());
            for _ in 0..3 {
                match attempt.write().apply(row.as_ref(), &request) {
                    Some(next) => { row = Some(next); break; }
                    None if attempt.refused(row.clone()).is_some() => break,
                    None => {}
                }
            }
            let tat = row.as_ref().and_then(|row: &Row| row.tat).unwrap_or(now);
            prop_assert!((now - MOST_FILL..=now + 2 * MOST_FILL).contains(&tat), "{}", tat);
        }
    }
}

#[test]
fn a_ban_is_not_given_back() {
    let rule = Rule { algorithm: Algorithm::TokenBucket, limit: Limit::new(1, 1) };
    let row = Row { tat: Some(900 * NANOS), banned_until: 600_000, ..Row::default() };
    let mut attempt = Attempt::new(rule, Change::Refund(5), Some(&row), 0, true, NANOS, "r".to_owned());
    assert_eq!(attempt.write().apply(Some(&row), "r"), None);
    assert_eq!(attempt.refused(Some(row.clone())), Some(Outcome::Done(row)));
}
