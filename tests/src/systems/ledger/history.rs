//! What clients at once see of one account has an order in which each step sees what the ones before it did, and no
//! step is before one that had ended when it began: balances are linearizable. The search for such an order is Wing and
//! Gong's, with Lowe's memory of what was tried.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use ledger::App;
use serde_json::{Value, json};
use testkit::{Fault, Faults, Sandbox};
use tokio::task::JoinSet;

use super::{WORLDS, transfer};

const CLIENTS: u64 = 5;
const STEPS: u64 = 6;
const HISTORIES: u64 = 6;
const TRIES: u32 = 60;

type Caller = Option<(&'static str, &'static str, &'static str)>;
const ALICE: Caller = Some(("alice", "ledger:read ledger:write", "pro"));

/// What a step did, as its client saw it.
#[derive(Debug, Clone, Copy)]
enum Seen {
    /// Moved so much, in or out.
    Moved(i64),
    /// Was refused, since so much was not there.
    Refused(i64),
    /// Read this.
    Read(i64),
}

#[derive(Debug, Clone, Copy)]
struct Step {
    began: u64,
    ended: u64,
    seen: Seen,
}

/// Whether there is such an order.
fn is_linearizable(history: &[Step]) -> bool {
    fn go(history: &[Step], done: u64, balance: i64, tried: &mut BTreeSet<u64>) -> bool {
        let left = |index: &usize| done & (1 << index) == 0;
        let Some(first_end) = (0..history.len()).filter(left).map(|index| history[index].ended).min() else {
            return true;
        };
        // The balance follows from which steps are done, so these are all that need be remembered.
        if !tried.insert(done) {
            return false;
        }
        (0..history.len()).filter(left).any(|index| {
            let step = history[index];
            let next = match step.seen {
                Seen::Moved(amount) if balance + amount >= 0 => balance + amount,
                Seen::Refused(amount) if balance < amount => balance,
                Seen::Read(found) if found == balance => balance,
                _ => return false,
            };
            step.began <= first_end && go(history, done | (1 << index), next, tried)
        })
    }
    go(history, 0, 0, &mut BTreeSet::new())
}

#[test]
fn the_search_finds_an_order_where_there_is_one_and_none_where_there_is_none() {
    let step = |began, ended, seen| Step { began, ended, seen };
    let (put, read) = (Seen::Moved(5), Seen::Read);
    assert!(is_linearizable(&[step(0, 3, put), step(1, 2, read(0))]), "the read may come first");
    assert!(is_linearizable(&[step(0, 3, put), step(1, 2, read(5))]), "or last");
    assert!(!is_linearizable(&[step(0, 1, put), step(2, 3, read(0))]), "what had ended is seen");
    assert!(!is_linearizable(&[step(0, 5, put), step(1, 2, read(5)), step(3, 4, read(0))]), "and seen for ever");
    assert!(!is_linearizable(&[step(0, 1, put), step(2, 3, Seen::Refused(5))]), "what is there is not refused");
    assert!(!is_linearizable(&[step(0, 1, put), step(2, 9, Seen::Moved(-4)), step(2, 9, Seen::Moved(-4))]));
}

/// The same request until it has a certain answer.
async fn certain(sandbox: &mut Sandbox<App>, method: &str, target: &str, body: Option<&Value>) -> Result<(u64, Value)> {
    for _ in 0..TRIES {
        let run = sandbox.http(method, target, &[], body, ALICE).await?;
        if (200..500).contains(&run.status()) {
            return Ok((run.status(), run.body().clone()));
        }
    }
    anyhow::bail!("{method} {target} has no answer")
}

async fn step(sandbox: &mut Sandbox<App>, dice: &mut fastrand::Rng, id: &str) -> Result<Seen> {
    let amount = dice.i64(1..10);
    if dice.u8(..3) == 0 {
        let (_, shown) = certain(sandbox, "GET", "/accounts/cash", None).await?;
        return Ok(Seen::Read(shown["available_minor"].as_i64().context("a balance")?));
    }
    let (mut body, takes) = (transfer(id, amount.unsigned_abs()), dice.bool());
    if takes {
        body["entries"][0]["side"] = json!("credit");
        body["entries"][1]["side"] = json!("debit");
    }
    let (status, answer) = certain(sandbox, "POST", "/transactions", Some(&body)).await?;
    match (status, takes) {
        (201, false) => Ok(Seen::Moved(amount)),
        (201, true) => Ok(Seen::Moved(-amount)),
        (409, true) => Ok(Seen::Refused(amount)),
        _ => anyhow::bail!("{answer}"),
    }
}

/// How much was disturbed.
async fn history(seed: u64) -> Result<u64> {
    let faults = Faults::seeded(seed).with(Fault::AnswerLost, 0.1).with(Fault::RequestLost, 0.05);
    let faults = faults.with(Fault::Conflict, 0.1).with(Fault::Throttled, 0.05).with(Fault::KilledAfter, 0.03);
    let world = WORLDS.make_with(&[], Some(faults)).await?;
    let mut opener = world.undisturbed()?;
    for account in [
        json!({"account_id": "cash", "type": "asset", "currency": "EUR"}),
        json!({"account_id": "sales", "type": "income", "currency": "EUR", "may_go_negative": true, "shards": 8}),
    ] {
        certain(&mut opener, "POST", "/accounts", Some(&account)).await?;
    }
    let (ticks, mut dice, mut clients) = (Arc::new(AtomicU64::new(0)), fastrand::Rng::with_seed(seed), JoinSet::new());
    for number in 0..CLIENTS {
        let (mut sandbox, mut dice) = (world.killable(&format!("client-{number}"))?, dice.fork());
        let ticks = Arc::clone(&ticks);
        clients.spawn(async move {
            let mut steps = Vec::new();
            for turn in 0..STEPS {
                let began = ticks.fetch_add(1, Ordering::SeqCst);
                let seen = step(&mut sandbox, &mut dice, &format!("t-{number}-{turn}")).await?;
                steps.push(Step { began, ended: ticks.fetch_add(1, Ordering::SeqCst), seen });
            }
            anyhow::Ok(steps)
        });
    }
    let mut steps = Vec::new();
    for client in clients.join_all().await {
        steps.extend(client?);
    }
    ensure!(is_linearizable(&steps), "seed {seed}: {steps:#?}");
    // In the end everybody sees the same, and the books balance.
    let moved: i64 = steps.iter().map(|step| if let Seen::Moved(amount) = step.seen { amount } else { 0 }).sum();
    for account in ["cash", "sales"] {
        let (_, shown) = certain(&mut opener, "GET", &format!("/accounts/{account}"), None).await?;
        ensure!(shown["balance_minor"] == moved, "seed {seed}: {account} {shown}, moved {moved}");
    }
    Ok(world.injected().values().sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn balances_are_linearizable() -> Result<()> {
    let (first, mut disturbed) = (fastrand::u64(..), 0);
    for seed in (0..HISTORIES).map(|number| first.wrapping_add(number)) {
        disturbed += history(seed).await?;
    }
    ensure!(disturbed > HISTORIES * 5, "hardly anything was disturbed: {disturbed} calls");
    Ok(())
}
