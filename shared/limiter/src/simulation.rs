//! The code that runs on DynamoDB, run on a table in memory: many sandboxes, clocks that differ, writes that overtake
//! each other. Each decision is held against one bucket that is asked in the order in which the table decided.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use types::Instant;

use crate::attempt::{Attempt, Change, Outcome};
use crate::bucket::{Row, Rule};
use crate::limit::Limit;
use crate::memory::Known;
use crate::{Algorithm, Gcra, nanos};

const SANDBOXES: usize = 20;
const SKEW_MS: i64 = 50;
const MS: i64 = 1_000_000;
/// A write's way to the table and back, in milliseconds each.
const WAY_MS: std::ops::Range<i64> = 1..5;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives(usize),
    Executes(usize),
    Returns(usize),
}

struct Check {
    sandbox: usize,
    now: Instant,
    attempt: Attempt,
    first: bool,
    outcome: Option<Outcome>,
}

/// What came out of a run.
#[derive(Debug, Default)]
struct Result {
    admitted: u64,
    denied: u64,
    /// What buckets by the true time admit of the same requests, with as much less and more capacity as flows in while
    /// the slowest clock falls behind the fastest.
    by_true_time: [u64; 2],
    writes: u64,
    /// Decisions that one bucket, asked in the table's order by the same clocks, would have made otherwise.
    different: u64,
}

/// `checks` requests to one key at `load` times its rate.
#[allow(clippy::too_many_lines)] // one loop over events
fn run(checks: usize, load: f64, seed: u64) -> Result {
    let limit = Limit::new(100, 1).burst(20);
    let (rule, gcra) = (Rule { algorithm: Algorithm::TokenBucket, limit }, Gcra::of(limit));
    let mut dice = fastrand::Rng::with_seed(seed);
    let skews: Vec<i64> = (0..SANDBOXES).map(|_| dice.i64(-SKEW_MS..=SKEW_MS)).collect();
    let mut known = vec![Known::default(); SANDBOXES];
    let (mut table, mut reference, mut true_tats): (Option<Row>, Option<i64>, [Option<i64>; 2]) = Default::default();
    let apart = u64::try_from(2 * (SKEW_MS + WAY_MS.end) * MS / gcra.interval).unwrap_or_default();
    let true_gcras = [20 - apart, 20 + apart].map(|burst| Gcra::of(limit.burst(burst)));
    let (mut result, mut running): (Result, Vec<Option<Check>>) = (Result::default(), Vec::new());
    let mut events = BinaryHeap::new();
    let mut at = 1_800_000_000_000 * MS;
    for index in 0..checks {
        // Poisson arrivals.
        at += (-dice.f64().ln_1p_negated() * gcra.interval as f64 / load) as i64;
        events.push(Reverse((at, Event::Arrives(index))));
        running.push(None);
    }
    while let Some(Reverse((at, event))) = events.pop() {
        match event {
            Event::Arrives(index) => {
                let sandbox = dice.usize(0..SANDBOXES);
                let now = Instant::from_millis(at / MS + skews[sandbox]);
                for (which, gcra) in true_gcras.iter().enumerate() {
                    if let Ok(tat) = gcra.take(true_tats[which], at, 1) {
                        true_tats[which] = Some(tat);
                        result.by_true_time[which] += 1;
                    }
                }
                let own = &known[sandbox];
                if own.refusing(rule, 0, now, 1).is_some() {
                    result.denied += 1;
                    result.different += u64::from(gcra.take(reference, nanos(now), 1).is_ok());
                    continue;
                }
                let row = own.row.as_ref().map(|(row, _)| row);
                let id = index.to_string();
                let attempt = Attempt::new(rule, Change::Take(1), row, 0, own.is_hot(), nanos(now), id);
                running[index] = Some(Check { sandbox, now, attempt, first: true, outcome: None });
                events.push(Reverse((at + dice.i64(WAY_MS) * MS, Event::Executes(index))));
            }
            Event::Executes(index) => {
                let Some(check) = &mut running[index] else { continue };
                result.writes += 1;
                let written = check.attempt.write().apply(table.as_ref(), check.attempt.request());
                let came_back = written.as_ref().ok_or(table.as_ref());
                if std::mem::take(&mut check.first) {
                    known[check.sandbox].felt(check.attempt.found_hot(came_back));
                }
                check.outcome = match written {
                    Some(row) => {
                        table = Some(row.clone());
                        Some(Outcome::Done(row))
                    }
                    None => check.attempt.refused(table.clone()),
                };
                let expected = gcra.take(reference, nanos(check.now), 1);
                match (&check.outcome, expected) {
                    (Some(Outcome::Done(_)), Ok(tat)) => reference = Some(tat),
                    (Some(Outcome::Denied(_)), Err(_)) | (None, _) => {}
                    _ => result.different += 1,
                }
                events.push(Reverse((at + dice.i64(WAY_MS) * MS, Event::Returns(index))));
            }
            Event::Returns(index) => {
                let Some(check) = &mut running[index] else { continue };
                let Some(outcome) = check.outcome.take() else {
                    events.push(Reverse((at + dice.i64(WAY_MS) * MS, Event::Executes(index))));
                    continue;
                };
                let (row, admitted) = match outcome {
                    Outcome::Done(row) => (row, true),
                    Outcome::Denied(row) => (row, false),
                };
                known[check.sandbox].saw(row, check.now);
                result.admitted += u64::from(admitted);
                result.denied += u64::from(!admitted);
                running[index] = None;
            }
        }
    }
    result
}

/// `-ln(1 - x)`, for waiting times between arrivals.
trait Exponential {
    fn ln_1p_negated(self) -> f64;
}

impl Exponential for f64 {
    fn ln_1p_negated(self) -> f64 {
        (-self).ln_1p()
    }
}

/// A million checks in all. No decision differs from one bucket that is asked in the same order by the same clocks. By
/// the true time, clocks that are off by at most 50 ms are a bucket of some other capacity: at most by what flows in
/// during 2 × 50 ms (and the requests' ways).
#[test]
fn a_million_checks_by_twenty_sandboxes_are_those_of_one_bucket() {
    let seed = u64::from(u32::from_ne_bytes(types::random::bytes()));
    // Loads, and the most round trips that a check may take on average.
    for (load, most) in [(0.05, 1.5), (0.5, 1.5), (1.0, 1.07), (2.0, 1.0), (10.0, 1.0)] {
        let checks = 200_000;
        let result = run(checks, load, seed);
        let round_trips = result.writes as f64 / checks as f64;
        println!("seed {seed}, load {load}: {round_trips:.3} round trips a check, {result:?}");
        assert_eq!(result.admitted + result.denied, checks as u64);
        assert_eq!(result.different, 0, "seed {seed}, load {load}");
        let [least, highest] = result.by_true_time;
        assert!((least..=highest).contains(&result.admitted), "seed {seed}, load {load}: {result:?}");
        assert!(round_trips <= most, "seed {seed}, load {load}: {round_trips}");
    }
}
