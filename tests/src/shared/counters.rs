//! Sharded counters.

use anyhow::{Result, ensure};
use dynamo::{Consistency, Key};
use testkit::fresh_table;
use tokio::task::JoinSet;
use types::{Instant, OnceRefusal};

use super::race;

const NOW: Instant = Instant::from_seconds(1_800_000_000);

#[test]
fn every_addition_counts_whoever_adds_at_once() -> Result<()> {
    race(async {
        let table = fresh_table().await?;
        let mut tasks = JoinSet::new();
        for task in 0..16_i64 {
            let table = table.clone();
            tasks.spawn(async move {
                for amount in 1..=10 {
                    table.counter("LIKES#cat", 4).add(amount * if task % 4 == 0 { -1 } else { 1 }).await?;
                }
                anyhow::Ok(())
            });
        }
        tasks.join_all().await.into_iter().collect::<Result<()>>()?;
        let counter = table.counter("LIKES#cat", 4);
        assert_eq!(counter.read(Consistency::Strong).await?, (12 - 4) * 55);
        assert_eq!(table.counter("LIKES#dog", 4).read(Consistency::Strong).await?, 0, "another counter");

        let keys: Vec<Key> = (0..4).map(|shard| Key::new(format!("LIKES#cat#{shard}"), "COUNTER")).collect();
        let used = table.get_many(&keys, Consistency::Strong).await?.len();
        assert_eq!(used, 4, "160 additions miss one of four items once in 10^19");
        Ok(())
    })
}

#[test]
fn a_counter_grows_by_more_items_and_keeps_its_sum() -> Result<()> {
    race(async {
        let table = fresh_table().await?;
        table.counter("N", 0).add(7).await?;
        table.counter("N", 150).add(5).await?;
        assert_eq!(table.counter("N", 150).read(Consistency::Strong).await?, 12, "two batches of keys");
        table.counter("N", 1).add(i64::MAX).await?;
        ensure!(table.counter("N", 150).read(Consistency::Strong).await.is_err(), "a sum out of range is no number");
        Ok(())
    })
}

#[test]
fn an_id_counts_once_however_many_send_it() -> Result<()> {
    race(async {
        let table = fresh_table().await?;
        let mut tasks = JoinSet::new();
        for task in 0..24 {
            let table = table.clone();
            tasks.spawn(async move {
                // Three tasks for each of eight ids; one that is being added is asked for again.
                loop {
                    match table.counter("PAID", 3).add_once(&format!("p{}", task / 3), 10, NOW).await {
                        Ok(Ok(added)) => return anyhow::Ok(u32::from(added)),
                        Ok(Err(OnceRefusal::InProgress)) => {}
                        Err(fault) if fault.is_transient() => {}
                        other => anyhow::bail!("{other:?}"),
                    }
                }
            });
        }
        let added = tasks.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
        assert_eq!(added.iter().sum::<u32>(), 8);
        let counter = table.counter("PAID", 3);
        assert_eq!(counter.read(Consistency::Strong).await?, 80);
        assert_eq!(counter.add_once("p0", 11, NOW).await?, Err(OnceRefusal::Mismatch));
        assert_eq!(counter.read(Consistency::Strong).await?, 80);
        Ok(())
    })
}
