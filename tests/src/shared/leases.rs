//! Fenced leases.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use dynamo::{Consistency, Held, Item, Key, Lease, Lost, Table, UpdateExpression, eq};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::{Deserialize, Serialize};
use testkit::fresh_table;
use tokio::task::JoinSet;
use types::{Instant, OnceRefusal, random};

use super::race;

const NOW: Instant = Instant::from_seconds(1_800_000_000);
const TERM: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Job {
    state: String,
    #[serde(default)]
    done_by: u64,
}

impl Item for Job {
    fn key(&self) -> Key {
        job()
    }
}

fn job() -> Key {
    Key::new("JOB#1", "JOB")
}

async fn acquire(table: &Table, now: Instant) -> Result<Result<Lease, Held>> {
    Ok(table.acquire(job(), now, TERM).send().await?)
}

/// A write as a holder makes it.
async fn write(table: &Table, lease: &Lease) -> Result<Result<(), ()>> {
    let expression = UpdateExpression::new().set("done_by", lease.token).when(lease.held());
    let written =
        table.update(job()).apply(expression).send_or::<serde::de::IgnoredAny, serde::de::IgnoredAny, ()>(|_| ());
    Ok(written.await?.map(drop))
}

#[test]
fn of_many_who_ask_at_once_one_holds() -> Result<()> {
    race(async {
        let table = fresh_table().await?;
        for round in 1..=5_u64 {
            let now = NOW + TERM * u32::try_from(round)?; // each round begins as the lease of the last one ends
            let mut tasks = JoinSet::new();
            for _ in 0..16 {
                let table = table.clone();
                tasks.spawn(async move { acquire(&table, now).await });
            }
            let answers = tasks.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
            let won: Vec<&Lease> = answers.iter().flatten().collect();
            assert_eq!(won.iter().map(|lease| lease.token).collect::<Vec<_>>(), [round]);
            ensure!(answers.iter().flat_map(|answer| answer.as_ref().err()).all(|held| held.until == now + TERM));
        }
        Ok(())
    })
}

#[test]
fn a_holder_that_was_taken_over_cannot_write_renew_or_release() -> Result<()> {
    race(async {
        let table = fresh_table().await?;
        let slow = acquire(&table, NOW).await?.ok().context("the first")?;
        let late = NOW + TERM;
        ensure!(write(&table, &slow).await?.is_ok(), "late but not replaced: nobody is harmed");
        let quick = acquire(&table, late).await?.ok().context("it expired")?;
        ensure!(quick.token > slow.token);
        assert_eq!(write(&table, &slow).await?, Err(()));
        assert_eq!(table.renew(&slow, late, TERM).await?, Err(Lost));
        assert_eq!(table.release(slow.clone()).await?, Err(Lost));
        ensure!(write(&table, &quick).await?.is_ok(), "the other's attempts changed nothing");

        let renewed = table.renew(&quick, late, TERM * 3).await?.ok().context("it is ours")?;
        let held = acquire(&table, late + TERM * 2).await?.err();
        assert_eq!(held, Some(Held { until: late + TERM * 3 }));
        assert_eq!(table.release(renewed.clone()).await?, Ok(()));
        assert_eq!(table.release(renewed.clone()).await?, Ok(()), "a release that is sent again is done");
        assert_eq!(table.renew(&renewed, late, TERM).await?, Err(Lost), "what was released is not renewed");
        let next = acquire(&table, late).await?.ok().context("it was released")?;
        assert_eq!(next.token, renewed.token + 1, "tokens grow through a release");
        Ok(())
    })
}

#[test]
fn a_lease_is_taken_with_the_change_of_state_and_fences_what_is_elsewhere() -> Result<()> {
    race(async {
        let table = fresh_table().await?;
        let lease = |state: &'static str, now| {
            let changes = UpdateExpression::new().set("state", "LEASED");
            table.acquire(job(), now, TERM).when(eq("state", state)).with(changes).send_or(|job: Option<Job>| job)
        };
        assert_eq!(lease("PENDING", NOW).await?, Err(None), "there is no job, and none is made");
        let pending = Job { state: "PENDING".to_owned(), done_by: 0 };
        table.put(&pending).send_or(|_| ()).await?.ok().context("no condition")?;
        let (old, found): (Lease, Job) = lease("PENDING", NOW).await?.ok().context("pending")?;
        assert_eq!(found.state, "LEASED");
        assert_eq!(lease("PENDING", NOW + TERM).await?.err().flatten().map(|job| job.state), Some("LEASED".to_owned()));
        let (new, _): (Lease, Job) = lease("LEASED", NOW + TERM).await?.ok().context("expired")?;

        // Elsewhere, in a transaction beside the lease, and by the largest token that wrote.
        const FENCED: OnceRefusal = OnceRefusal::Mismatch; // any refusal that a transaction can carry
        let effect = Key::new("EFFECT", "1");
        let beside = |lease: &Lease| {
            let change = UpdateExpression::new().add("times", 1_u64);
            let ignore = |_: Option<serde::de::IgnoredAny>| FENCED;
            let transaction = table.transact().check(lease.key(), &lease.held(), ignore);
            transaction.and_then(|t| t.update(&effect, &change, ignore)).map(|t| async { t.send::<()>().await })
        };
        assert_eq!(beside(&old)?.await?.err(), Some(FENCED));
        ensure!(beside(&new)?.await?.is_ok());
        let fenced = |lease: &Lease| {
            let change = UpdateExpression::new().set("fence", lease.token).when(lease.newest("fence"));
            table.update(effect.clone()).apply(change)
        };
        let refused = |_: Option<serde::de::IgnoredAny>| ();
        ensure!(fenced(&old).send_or::<serde::de::IgnoredAny, _, _>(refused).await?.is_ok(), "nobody wrote before");
        ensure!(fenced(&new).send_or::<serde::de::IgnoredAny, _, _>(refused).await?.is_ok());
        ensure!(fenced(&old).send_or::<serde::de::IgnoredAny, _, _>(refused).await?.is_err(), "a later one wrote");

        // A deleted item takes its tokens along; whoever held a lease of it holds none of the next.
        let gone = table.delete(job()).when(new.held()).send_or::<Job, ()>(|_| ()).await?;
        assert_eq!(gone.ok().flatten().map(|job| job.state), Some("LEASED".to_owned()));
        table.put(&pending).send_or(|_| ()).await?.ok().context("no condition")?;
        let (again, _): (Lease, Job) = lease("PENDING", NOW).await?.ok().context("pending")?;
        assert_eq!(again.token, old.token);
        assert_eq!(write(&table, &old).await?, Err(()));
        Ok(())
    })
}

/// What two workers may do, and by whose clock (seconds after the start).
#[derive(Debug, Clone)]
enum Step {
    Acquire(usize, u8),
    Renew(usize, u8),
    Release(usize),
    Write(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let worker = 0..2_usize;
    let step = prop_oneof![
        (worker.clone(), any::<u8>()).prop_map(|(worker, at)| Step::Acquire(worker, at)),
        (worker.clone(), any::<u8>()).prop_map(|(worker, at)| Step::Renew(worker, at)),
        worker.clone().prop_map(Step::Release),
        worker.prop_map(Step::Write),
    ];
    prop::collection::vec(step, 1..14)
}

/// The same steps on the table and on a plain model: who holds, until when, and the last token.
#[test]
fn any_steps_by_clocks_that_disagree_end_as_in_the_model() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let table = runtime.block_on(fresh_table())?;
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config).run(&steps(), |steps| {
        let key = Key::new(random::uuid().to_string(), "JOB");
        let outcome = runtime.block_on(async {
            let mut leases: [Option<Lease>; 2] = [None, None];
            let (mut holder, mut until, mut token): (Option<u64>, i64, u64) = (None, 0, 0);
            for step in &steps {
                match *step {
                    Step::Acquire(worker, at) => {
                        let now = NOW + Duration::from_secs(at.into());
                        let answer = table.acquire(key.clone(), now, TERM).send().await?;
                        let free = holder.is_none() || until <= now.millis();
                        ensure!(answer.is_ok() == free, "{step:?}: {answer:?}");
                        if let Ok(lease) = answer {
                            token += 1;
                            ensure!(lease.token == token, "{lease:?}");
                            (holder, until) = (Some(token), lease.until.millis());
                            leases[worker] = Some(lease);
                        }
                    }
                    Step::Renew(worker, at) => {
                        let Some(lease) = &leases[worker] else { continue };
                        let now = NOW + Duration::from_secs(at.into());
                        let ours = holder == Some(lease.token);
                        ensure!(table.renew(lease, now, TERM).await?.is_ok() == ours, "{step:?}");
                        until = if ours { (now + TERM).millis() } else { until };
                    }
                    Step::Release(worker) => {
                        let Some(lease) = leases[worker].take() else { continue };
                        let ours = holder == Some(lease.token);
                        ensure!(table.release(lease).await?.is_ok() == ours, "{step:?}");
                        holder = holder.filter(|_| !ours);
                    }
                    Step::Write(worker) => {
                        let Some(lease) = &leases[worker] else { continue };
                        let change = UpdateExpression::new().set("done_by", lease.token).when(lease.held());
                        let refused = |_: Option<serde::de::IgnoredAny>| ();
                        let written = table.update(key.clone()).apply(change);
                        let written = written.send_or::<serde::de::IgnoredAny, _, _>(refused).await?;
                        ensure!(written.is_ok() == (holder == Some(lease.token)), "{step:?}");
                    }
                }
            }
            let last: Option<serde::de::IgnoredAny> = table.get(&key, Consistency::Strong).await?;
            ensure!(last.is_some() == (token > 0));
            Ok(())
        });
        outcome.map_err(|error: anyhow::Error| TestCaseError::fail(format!("{error:#}")))
    })?;
    Ok(())
}
