//! Proves what a system promises: many clients use it at random while everything that can fail does, and in the end
//! what they saw is held against what is stored.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws::env::Env;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::Instant as Tick;
use types::Clock;

use crate::courier::Courier;
use crate::faults::Faults;
use crate::sandbox::{Sandbox, Tally};
use crate::template::repository;
use crate::world::{World, Worlds};

/// Clients at once, each with a sandbox of its own.
const CLIENTS: u64 = 32;
/// Operations of one client while the clock stands still.
const PER_ROUND: u64 = 2;
/// Rounds between two lines of progress.
const PROGRESS: u64 = 32;
/// Operations unless `OPERATIONS` says otherwise: enough for each fault, quick enough for every `make test`.
const OPERATIONS: u64 = 256;

/// What a system must keep, as a model that uses it and judges it.
pub trait Proof: Send + Sync + 'static {
    /// The system's App.
    type App: Clone + Send + Sync + 'static;

    /// Changes to the environment of the Lambdas.
    fn changes(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    /// Looks at the world before anything happens.
    fn begin(&self, _world: &World<Self::App>) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// One operation, chosen by the client's dice. It notes what it saw, for [`Proof::examine`].
    fn operate(&self, client: &mut Client<Self::App>) -> impl Future<Output = Result<()>> + Send;

    /// Moves the clock, while nothing runs.
    fn pause(&self, clock: &Clock, dice: &mut fastrand::Rng);

    /// How long what a worker that died had taken is kept from others: the clock moves so far before they finish it.
    fn lease(&self) -> Duration {
        Duration::ZERO
    }

    /// Holds what was seen against what is stored, when all work is done.
    fn examine(&self, world: &mut World<Self::App>) -> impl Future<Output = Result<Verdict>> + Send;
}

/// A client and the sandbox that serves it.
pub struct Client<A> {
    /// Which one, from 0.
    pub number: u64,
    /// Number of the operation under way; the same in every run.
    pub operation: u64,
    /// Its choices.
    pub dice: fastrand::Rng,
    /// Where its requests are served.
    pub sandbox: Sandbox<A>,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Figures for the last line.
    pub figures: Vec<(&'static str, u64)>,
    /// Each broken promise, with the operation and its history.
    pub broken: Vec<String>,
}

/// Runs `OPERATIONS` operations from `SEED` (both from the environment), and writes one line of figures, also to
/// `target/prove/<system>`. The seed repeats each client's choices and each call's fault; how the clients interleave is
/// the machine's.
///
/// # Panics
/// When a promise is broken, naming the seed; when nothing was disturbed.
#[track_caller]
#[allow(clippy::panic)]
pub fn prove<P: Proof>(worlds: &Worlds<P::App>, proof: P) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.context("starting tokio").and_then(|runtime| runtime.block_on(run(worlds, Arc::new(proof))));
    if let Err(error) = outcome {
        panic!("{error:#}");
    }
}

async fn run<P: Proof>(worlds: &Worlds<P::App>, proof: Arc<P>) -> Result<()> {
    let env = Env::of_process();
    let seed = env.parse_or("SEED", u64::from(u32::from_be_bytes(types::random::bytes())))?;
    let rounds = env.parse_or("OPERATIONS", OPERATIONS)?.div_ceil(CLIENTS * PER_ROUND);
    let operations = rounds * CLIENTS * PER_ROUND;
    let (started, mut dice) = (Tick::now(), fastrand::Rng::with_seed(seed));
    let world = worlds.make_with(&proof.changes(), Some(Faults::all(seed))).await?;
    proof.begin(&world).await?;
    let (clock, system) = (world.clock.clone(), world.system().name());
    let client = |number| {
        let sandbox = world.killable(&format!("client-{number}"))?;
        Ok(Client { number, operation: 0, dice: dice.fork(), sandbox })
    };
    let mut clients = (0..CLIENTS).map(client).collect::<Result<Vec<_>>>()?;
    let mut couriers = Courier::all(&world, &mut dice)?;
    let world = Arc::new(Mutex::new(world));
    say(&format!("prove {system}: seed {seed}, operations {operations}"));
    for round in 0..rounds {
        if round > 0 && round % PROGRESS == 0 {
            say(&format!("  {} done after {} s", round * CLIENTS * PER_ROUND, started.elapsed().as_secs()));
        }
        (clients, couriers) =
            play(&proof, &world, round, clients, couriers).await.with_context(|| format!("seed {seed}"))?;
        proof.pause(&clock, &mut dice);
    }
    settle(&world, &mut couriers, || clock.advance(proof.lease())).await.with_context(|| format!("seed {seed}"))?;
    let mut world = world.lock().await;
    let verdict = proof.examine(&mut world).await?;
    let injected = world.injected();
    let mut tally = Tally::default();
    clients.iter().for_each(|client| tally += client.sandbox.tally);
    let figures: String = verdict.figures.iter().map(|(name, figure)| format!("{name} {figure}, ")).collect();
    let kinds: Vec<String> = injected.iter().map(|(fault, times)| format!("{} {times}", fault.name())).collect();
    let line = format!(
        "prove {system}: seed {seed}, operations {operations}, acknowledged {}, refused {}, failed {}, killed {}, \
         faults {} ({}), redelivered {}, {figures}{} s",
        tally.acknowledged,
        tally.refused,
        tally.failed,
        tally.killed,
        injected.values().sum::<u64>(),
        kinds.join(", "),
        couriers.iter().map(|courier| courier.redelivered).sum::<u64>(),
        started.elapsed().as_secs(),
    );
    report(system, &line, &verdict.broken)?;
    let first = verdict.broken.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("\n");
    ensure!(
        verdict.broken.is_empty(),
        "{line}\n{} broken promises, all in target/prove:\n{first}",
        verdict.broken.len()
    );
    let (faults, few) = (injected.values().sum::<u64>(), injected.len() < Faults::all(seed).kinds());
    ensure!(faults * 10 > operations && tally.acknowledged * 10 > operations, "hardly anything happened: {line}");
    ensure!(!few || operations < 2000, "not every fault happened: {line}");
    Ok(())
}

/// One round: the clients operate, the workers work beside them.
async fn play<P: Proof>(
    proof: &Arc<P>,
    world: &Arc<Mutex<World<P::App>>>,
    round: u64,
    clients: Vec<Client<P::App>>,
    couriers: Vec<Courier<P::App>>,
) -> Result<(Vec<Client<P::App>>, Vec<Courier<P::App>>)> {
    let (mut operating, mut working) = (JoinSet::new(), JoinSet::new());
    let (over, ending) = watch::channel(false);
    for mut client in clients {
        let proof = Arc::clone(proof);
        operating.spawn(async move {
            for turn in 0..PER_ROUND {
                client.operation = (round * CLIENTS + client.number) * PER_ROUND + turn;
                proof.operate(&mut client).await.with_context(|| format!("operation {}", client.operation))?;
            }
            anyhow::Ok(client)
        });
    }
    for mut courier in couriers {
        let (world, ending) = (Arc::clone(world), ending.clone());
        working.spawn(async move { courier.work(&world, ending).await.map(|()| courier) });
    }
    let mut clients = operating.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    over.send_replace(true);
    clients.sort_by_key(|client| client.number);
    Ok((clients, working.join_all().await.into_iter().collect::<Result<_>>()?))
}

/// The workers finish: first among faults, then without, after schedules that come through.
async fn settle<A: Clone + Send + Sync + 'static>(
    world: &Mutex<World<A>>,
    couriers: &mut [Courier<A>],
    wait: impl Fn(),
) -> Result<()> {
    for calm in [false, true] {
        if calm {
            for courier in couriers.iter_mut() {
                courier.calm(world).await?;
            }
        }
        let mut busy = true;
        while busy {
            busy = false;
            wait();
            for courier in couriers.iter_mut() {
                busy |= courier.deliver(world).await?.0;
            }
        }
    }
    Ok(())
}

/// Leaves the line where `make prove` prints it last, and all that was broken beside it.
fn report(system: &str, line: &str, broken: &[String]) -> Result<()> {
    let folder = repository().join("target/prove");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(format!("{system}.broken")), broken.join("\n"))?;
    std::fs::write(folder.join(system), format!("{line}\n"))?;
    Ok(())
}

#[allow(clippy::print_stderr)] // a run of minutes tells how far it is, and its seed before it fails
fn say(line: &str) {
    eprintln!("{line}");
}
