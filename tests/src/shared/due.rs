//! What is due later than a queue can keep it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use dynamo::{Consistency, Key, Table};
use serde::Deserialize;
use testkit::fresh_table;
use tokio::task::JoinSet;
use types::{Clock, Fault, Instant};
use work::{CLAIM, Cancelled, Claim, DueBuckets, SETTLED, Swept};

use super::race;

mod claims;

const NOW: Instant = Instant::from_seconds(1_800_000_000);
const MINUTE: Duration = Duration::from_secs(60);

/// What was handed over, by id.
#[derive(Debug, Clone, Default)]
struct Carried(Arc<Mutex<BTreeMap<String, usize>>>);

impl Carried {
    fn take(&self, claims: &[Claim]) {
        let mut carried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.iter().for_each(|claim| *carried.entry(claim.id.clone()).or_default() += 1);
    }

    fn times(&self) -> BTreeMap<String, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn sweep(&self, due: &DueBuckets, clock: &Clock) -> Result<Swept> {
        let carry = |claims: Vec<Claim>| {
            self.take(&claims);
            async { Ok(BTreeSet::new()) }
        };
        Ok(due.sweep(clock, usize::MAX, carry).await?)
    }
}

async fn buckets() -> Result<(Table, DueBuckets, Clock)> {
    let table = fresh_table().await?;
    Ok((table.clone(), DueBuckets::new(table, 4), Clock::stopped(NOW)))
}

/// 300, or as many as `ALMANAC_PIECES` says (10,000 take minutes).
#[allow(clippy::disallowed_methods)] // a test's own configuration
fn pieces() -> usize {
    std::env::var("ALMANAC_PIECES").ok().and_then(|pieces| pieces.parse().ok()).unwrap_or(300)
}

async fn watermark(table: &Table) -> Result<i64> {
    #[derive(Deserialize)]
    struct Note {
        minute: i64,
    }
    let note: Option<Note> = table.get(&Key::new("DUE", "WATERMARK"), Consistency::Strong).await?;
    Ok(note.context("there is a note")?.minute)
}

#[test]
fn nothing_is_early_and_a_late_sweep_catches_up() -> Result<()> {
    race(async {
        let (table, due, clock) = buckets().await?;
        let carried = Carried::default();
        assert_eq!(carried.sweep(&due, &clock).await?, Swept::default(), "nothing was ever scheduled");
        for minutes in [0, 5, 30, 120] {
            due.schedule(&format!("in-{minutes}"), NOW + MINUTE * minutes, &minutes, NOW).await?;
        }
        due.schedule("past", NOW - MINUTE * 600, &(), NOW).await?;
        let same = due.schedule("in-30", NOW + MINUTE * 30, &"again", NOW).await?;
        assert_eq!((same.due_at, same.id.as_str()), ((NOW + MINUTE * 30).millis(), "in-30"));

        assert_eq!(carried.sweep(&due, &clock).await?.carried, 2, "what is due at once, and what was due");
        clock.advance(MINUTE * 5 - Duration::from_millis(1));
        assert_eq!(carried.sweep(&due, &clock).await?.carried, 0);
        clock.advance(Duration::from_millis(1));
        assert_eq!(carried.sweep(&due, &clock).await?.carried, 1);
        let before = watermark(&table).await?;
        assert_eq!(before, NOW.seconds() / 60, "five minutes ago nothing waits any more");
        // No sweep ran for five hours.
        clock.advance(MINUTE * 300);
        assert_eq!(carried.sweep(&due, &clock).await?.carried, 2);
        assert_eq!(watermark(&table).await?, before + 300);
        ensure!(carried.times().values().all(|&times| times == 1), "{:?}", carried.times());

        // A sandbox whose clock is behind schedules into a minute that others have left: not further than they allow.
        let slow = NOW + MINUTE * 305 - SETTLED + Duration::from_secs(1);
        DueBuckets::new(table.clone(), 4).schedule("slow", slow, &(), slow).await?;
        // And the sweep's own clock may go back.
        assert_eq!(carried.sweep(&due, &Clock::stopped(slow - MINUTE)).await?.carried, 0);
        assert_eq!(watermark(&table).await?, before + 300, "a note never goes back");
        assert_eq!(carried.sweep(&due, &clock).await?.carried, 1);
        Ok(())
    })
}

#[test]
fn a_sweep_that_dies_anywhere_loses_nothing_and_doubles_only_what_it_had_handed_over() -> Result<()> {
    race(async {
        let (table, _, clock) = buckets().await?;
        let due = DueBuckets::new(table, 1); // both are claimed together
        for id in ["before", "after"] {
            due.schedule(id, NOW, &id, NOW).await?;
        }
        let carried = Carried::default();
        // Killed between claim and sending: nothing was handed over.
        let hangs = due.sweep(&clock, 100, |_| pending());
        ensure!(tokio::time::timeout(Duration::from_secs(2), hangs).await.is_err(), "it hangs where it is killed");
        assert_eq!(carried.sweep(&due, &clock).await?.carried, 0, "the claims stand");
        clock.advance(CLAIM);
        // Killed between sending and deleting.
        let sent = carried.clone();
        let dies = due.sweep(&clock, 100, |claims| {
            sent.take(&claims);
            pending()
        });
        ensure!(tokio::time::timeout(Duration::from_secs(2), dies).await.is_err());
        let handed = carried.times();
        assert_eq!(handed.values().collect::<Vec<_>>(), [&1, &1]);
        clock.advance(CLAIM);
        assert_eq!(carried.sweep(&due, &clock).await?.carried, 2);
        assert_eq!(
            carried.times().values().collect::<Vec<_>>(),
            [&2, &2],
            "at least once is what a queue promises too"
        );
        clock.advance(CLAIM * 5);
        assert_eq!(carried.sweep(&due, &clock).await?, Swept::default(), "nothing is left");
        Ok(())
    })
}

#[test]
fn of_many_pieces_swept_by_several_at_once_each_goes_once() -> Result<()> {
    let most = pieces();
    race(async move {
        let (_, due, clock) = buckets().await?;
        let mut tasks = JoinSet::new();
        for part in 0..32_usize {
            let due = due.clone();
            tasks.spawn(async move {
                for number in (part..most).step_by(32) {
                    let at = NOW + MINUTE * 3 * u32::try_from(number)? / u32::try_from(most)?;
                    due.schedule(&format!("n{number}"), at, &number, NOW).await?;
                }
                anyhow::Ok(())
            });
        }
        tasks.join_all().await.into_iter().collect::<Result<()>>()?;
        clock.advance(MINUTE * 3);
        let carried = Carried::default();
        let mut sweeps = JoinSet::new();
        for _ in 0..3 {
            let (due, clock, carried) = (due.clone(), clock.clone(), carried.clone());
            sweeps.spawn(async move {
                // A run ends with its invocation; the next goes on.
                let mut all = 0;
                loop {
                    let invocation = aws::Invocation::new("sweep", Duration::from_secs(50));
                    let swept = invocation.scope(carried.sweep(&due, &clock)).await?;
                    all += swept.carried;
                    ensure!(swept.failed + swept.late + swept.dead == 0, "{swept:?}");
                    if !swept.cut {
                        return anyhow::Ok(all);
                    }
                }
            });
        }
        let all = sweeps.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
        assert_eq!(all.iter().sum::<usize>(), most);
        let times = carried.times();
        assert_eq!((times.len(), times.values().max()), (most, Some(&1)));
        Ok(())
    })
}

#[test]
fn a_run_is_bounded_and_what_failed_comes_again() -> Result<()> {
    race(async {
        let (_, due, clock) = buckets().await?;
        for number in 0..25 {
            due.schedule(&format!("n{number}"), NOW, &number, NOW).await?;
        }
        let carried = Carried::default();
        let odd = |claims: Vec<Claim>| {
            let (odd, even): (Vec<_>, Vec<_>) =
                claims.into_iter().partition(|claim| claim.message::<u32>().is_ok_and(|number| number % 2 == 1));
            carried.take(&even);
            async move { Ok(odd.into_iter().map(|claim| claim.id).collect()) }
        };
        let swept = due.sweep(&clock, 10, odd).await?;
        ensure!(swept.cut && (10..20).contains(&(swept.carried + swept.failed)), "{swept:?}");
        let mut all = swept.carried;
        let refuses = due.sweep(&clock, 100, |_| async { Err(Fault::transient("the queue is down")) }).await?;
        ensure!((refuses.carried, refuses.failed) == (0, 25 - all), "{refuses:?}");
        all += due.sweep(&clock, 100, odd).await?.carried;
        assert_eq!(all, 13);
        all += carried.sweep(&due, &clock).await?.carried;
        assert_eq!((all, carried.times().len()), (25, 25), "without a wait: what failed is free again");
        Ok(())
    })
}

#[test]
fn a_piece_that_never_goes_is_set_aside() -> Result<()> {
    race(async {
        let (table, _, clock) = buckets().await?;
        let due = DueBuckets::new(table.clone(), 1);
        due.schedule("poison", NOW, &"message", NOW).await?;
        let refuse = || due.sweep(&clock, 100, |_| async { Err(Fault::permanent("it is broken")) });
        for _ in 0..100 {
            assert_eq!(refuse().await?.failed, 1);
        }
        assert_eq!(refuse().await?, Swept { dead: 1, ..Swept::default() });
        assert_eq!(refuse().await?, Swept::default());
        let dead = table.query("DUE#dead").strong().all(10).await?;
        let message = dead.first().and_then(|item| item.get("message")).and_then(|text| text.as_s().ok());
        assert_eq!(message.map(String::as_str), Some("\"message\""));
        Ok(())
    })
}

#[test]
fn what_is_urgent_has_buckets_of_its_own() -> Result<()> {
    race(async {
        let (_, due, clock) = buckets().await?;
        let urgent = due.clone().named("URGENT");
        for buckets in [&due, &urgent] {
            buckets.schedule("one", NOW, &(), NOW).await?;
            buckets.schedule("later", NOW + MINUTE, &(), NOW).await?;
        }
        let carried = Carried::default();
        assert_eq!(carried.sweep(&urgent, &clock).await?.carried, 1);
        assert_eq!(carried.sweep(&urgent, &clock).await?.carried, 0, "the other is not its own");
        let ticket = urgent.schedule("later", NOW + MINUTE, &(), NOW).await?;
        assert_eq!(urgent.cancel(&ticket).await?, Cancelled::Now);
        clock.advance(MINUTE);
        assert_eq!(carried.sweep(&urgent, &clock).await?.carried, 0);
        assert_eq!(carried.sweep(&due, &clock).await?.carried, 2);
        Ok(())
    })
}
