//! Delivers work as AWS does on a bad day: late, in any order, some of it twice, and again until it is handled.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail};
use runtime::Trigger;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};

use crate::sandbox::{Run, Sandbox};
use crate::world::World;

/// Most records of one batch.
const BATCH: usize = 25;
/// One record in so many comes twice.
const TWICE: usize = 10;
/// A record that failed so often will never be handled: at the shares of faults used here nothing else fails so often.
const MOST_DELIVERIES: u32 = 60;

/// Runs of a schedule in which it makes good what it did not get to among faults.
const MOST_RUNS: u32 = 20;
/// How long a worker waits for work.
const LOOK_AGAIN: Duration = Duration::from_millis(150);

/// The event source of one worker.
pub(crate) struct Courier<A> {
    handler: &'static str,
    trigger: Trigger,
    pub(crate) sandbox: Sandbox<A>,
    dice: fastrand::Rng,
    waiting: Vec<Parcel>,
    /// Deliveries of a record beyond its first.
    pub(crate) redelivered: u64,
}

#[derive(Clone)]
struct Parcel {
    record: Value,
    deliveries: u32,
}

impl<A: Clone + Send + Sync + 'static> Courier<A> {
    /// One for each worker of the world's system.
    pub(crate) fn all(world: &World<A>, dice: &mut fastrand::Rng) -> Result<Vec<Self>> {
        let rows = world.system().rows().iter();
        let works = |trigger: &Trigger| {
            use Trigger::{PriorityQueue, Queue, Schedule, Stream};
            matches!(trigger, Queue(_) | PriorityQueue(..) | Stream | Schedule)
        };
        let workers = rows.filter(|row| works(&row.trigger));
        let courier = |row: &runtime::Row<A>| {
            Ok(Self {
                handler: row.handler,
                trigger: row.trigger.clone(),
                sandbox: world.killable(row.handler)?,
                dice: dice.fork(),
                waiting: Vec::new(),
                redelivered: 0,
            })
        };
        workers.map(courier).collect()
    }

    /// Fetches what waits and delivers all of it, but what fails only once; says whether anything was there, and
    /// whether any of it was handled.
    pub(crate) async fn deliver(&mut self, world: &Mutex<World<A>>) -> Result<(bool, bool)> {
        let fresh = match self.trigger {
            Trigger::Queue(_) | Trigger::PriorityQueue(..) => world.lock().await.messages(self.handler).await?,
            Trigger::Stream => world.lock().await.unseen(self.handler).await?,
            _ => return Ok((false, false)),
        };
        self.waiting.extend(fresh.into_iter().map(|record| Parcel { record, deliveries: 0 }));
        self.dice.shuffle(&mut self.waiting);
        let mut due = std::mem::take(&mut self.waiting);
        let some = due.len();
        while !due.is_empty() {
            let size = self.dice.usize(1..=BATCH).min(due.len());
            self.batch(due.split_off(due.len() - size)).await?;
        }
        Ok((some > 0, self.waiting.len() < some))
    }

    /// Delivers a batch; what failed waits, as does a copy of what comes twice.
    async fn batch(&mut self, mut batch: Vec<Parcel>) -> Result<()> {
        for parcel in &mut batch {
            self.redelivered += u64::from(parcel.deliveries > 0);
            parcel.deliveries += 1;
        }
        let records: Vec<&Value> = batch.iter().map(|parcel| &parcel.record).collect();
        let run = self.sandbox.invoke(self.handler, &json!({ "Records": records })).await?;
        let failed: Option<BTreeSet<&str>> = match &run {
            // The whole batch comes again.
            Run::Killed | Run::Answered(Err(_), _) => None,
            Run::Answered(Ok(answer), _) => {
                let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
                Some(failures.filter_map(|failure| failure["itemIdentifier"].as_str()).collect())
            }
        };
        for parcel in batch {
            let id = parcel.record["messageId"].as_str().unwrap_or_default();
            let again = failed.as_ref().is_none_or(|failed| failed.contains(id));
            if again && parcel.deliveries >= MOST_DELIVERIES {
                bail!("{} never handled {}: {run:?}", self.handler, parcel.record);
            }
            let twice = parcel.deliveries == 1 && self.dice.usize(..TWICE) == 0;
            if again || twice {
                self.waiting.push(parcel);
            }
        }
        Ok(())
    }

    /// Works until `over`: a schedule runs once, and what has not ended by then is killed; the next run makes it good.
    pub(crate) async fn work(&mut self, world: &Mutex<World<A>>, mut over: watch::Receiver<bool>) -> Result<()> {
        if self.trigger == Trigger::Schedule {
            let event = json!({});
            return tokio::select! {
                _ = over.wait_for(|over| *over) => self.sandbox.kill(),
                run = self.sandbox.invoke(self.handler, &event) => run.map(drop),
            };
        }
        while !*over.borrow_and_update() {
            if !self.deliver(world).await?.1 {
                // Nothing waits, or all of it failed (SQS would hide it for a while): look again soon, or end.
                let _ = tokio::time::timeout(LOOK_AGAIN, over.changed()).await;
            }
        }
        Ok(())
    }

    /// From here on without faults; a schedule runs until one run gets to its end before its deadline.
    pub(crate) async fn calm(&mut self, world: &Mutex<World<A>>) -> Result<()> {
        self.sandbox = world.lock().await.undisturbed()?;
        if self.trigger != Trigger::Schedule {
            return Ok(());
        }
        for _ in 0..MOST_RUNS {
            if matches!(self.sandbox.invoke(self.handler, &json!({})).await?, Run::Answered(Ok(_), _)) {
                return Ok(());
            }
        }
        bail!("{} does not come to its end", self.handler)
    }
}
