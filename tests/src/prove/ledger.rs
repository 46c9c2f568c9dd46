//! The ledger under all faults: clients move, hold, post, void, reverse and repeat at random, and look at all balances
//! at once meanwhile.

mod books;
mod judge_tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use dynamo::{Key, Table, number};
use ledger::App;
use serde_json::{Value, json};
use testkit::{Client, Proof, Verdict, World, prove};
use types::Clock;

use crate::systems::ledger::WORLDS;
use books::Books;

/// Accounts that may not owe, which all clients share, and one that may.
pub(super) const ACCOUNTS: [&str; 5] = ["bank", "ada", "bob", "eve", "joe"];
const BANK_SHARDS: u8 = 8;
/// Sendings of a request until its answer is certain.
const TRIES: u32 = 4;
/// Transactions that clients remember.
const REMEMBERED: usize = 60;

#[test]
fn no_money_is_made_or_lost_under_faults() {
    prove(&WORLDS, Model::default());
}

/// What became of a request, as its client saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    Done,
    Refused,
    Unknown,
}

/// What the clients saw so far.
#[derive(Default)]
struct Model {
    table: OnceLock<Table>,
    /// Requests that make a transaction, by its id: what was asked for and what came of it.
    made: Mutex<BTreeMap<String, (Value, Got)>>,
    /// Transactions that clients may choose from in this round.
    known: Mutex<Vec<(String, Value)>>,
    /// Ends of pending transactions that were acknowledged, as they were shown.
    ends: Mutex<Vec<(String, Value)>>,
    broken: Mutex<Vec<String>>,
    snapshots: Mutex<u64>,
}

impl Proof for Model {
    type App = App;

    fn changes(&self) -> Vec<(&'static str, &'static str)> {
        vec![("CHECKPOINT_EVERY", "20")]
    }

    async fn begin(&self, world: &World<App>) -> Result<()> {
        let table = Table::new(world.sdk().dynamodb(), world.env("TABLE"));
        let _ = self.table.set(table);
        let mut opener = world.undisturbed()?;
        for account in ACCOUNTS {
            let bank = account == "bank";
            let (kind, shards) = if bank { ("asset", BANK_SHARDS) } else { ("liability", 1) };
            let body = json!({
                "account_id": account, "type": kind, "currency": "EUR", "may_go_negative": bank, "shards": shards,
            });
            let run = opener.http("POST", "/accounts", &[], Some(&body), caller()).await?;
            ensure!(run.status() == 201, "{:?}", run.body());
        }
        Ok(())
    }

    async fn operate(&self, client: &mut Client<App>) -> Result<()> {
        match client.dice.u8(..20) {
            0..8 => self.make(client, false).await,
            8..11 => self.make(client, true).await,
            11..14 => self.end(client).await,
            14 => self.reverse(client).await,
            15..17 => self.repeat(client).await,
            _ => self.look(client).await,
        }
    }

    fn pause(&self, clock: &Clock, dice: &mut fastrand::Rng) {
        clock.advance(match dice.u8(..8) {
            0..4 => Duration::from_millis(dice.u64(1..900)),
            4..7 => Duration::from_secs(dice.u64(1..90)),
            _ => Duration::from_secs(dice.u64(300..4000)),
        });
        let made = lock(&self.made);
        let mut known: Vec<_> = made.iter().map(|(id, (body, _))| (id.clone(), body.clone())).collect();
        known.sort_by_key(|(id, _)| order(id));
        known.drain(..known.len().saturating_sub(REMEMBERED));
        *lock(&self.known) = known;
    }

    async fn examine(&self, world: &mut World<App>) -> Result<Verdict> {
        let made = lock(&self.made).clone();
        let mut verdict = Books::read(world, made.keys()).await?.judge(&made, &lock(&self.ends));
        verdict.broken.extend(lock(&self.broken).clone());
        verdict.figures.push(("snapshots", *lock(&self.snapshots)));
        Ok(verdict)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn caller() -> Option<(&'static str, &'static str, &'static str)> {
    Some(("alice", "ledger:read ledger:write", "pro"))
}

/// The operation that made it.
fn order(id: &str) -> u64 {
    id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

impl Model {
    /// Sends a request until its answer is certain.
    async fn send(&self, client: &mut Client<App>, path: &str, body: &Value) -> Result<Got> {
        for _ in 0..TRIES {
            let run = client.sandbox.http("POST", path, &[], Some(body), caller()).await?;
            match run.status() {
                200..300 => return Ok(Got::Done),
                400..500 => return Ok(Got::Refused),
                _ => {}
            }
        }
        Ok(Got::Unknown)
    }

    async fn make(&self, client: &mut Client<App>, hold: bool) -> Result<()> {
        let (from, amount) = (client.dice.usize(..ACCOUNTS.len()), client.dice.u64(2..200));
        let to = (from + client.dice.usize(1..ACCOUNTS.len())) % ACCOUNTS.len();
        let id = format!("{}-{}", if hold { "hold" } else { "move" }, client.operation);
        let mut body = json!({"transaction_id": id, "entries": [
            {"account_id": ACCOUNTS[from], "side": "debit", "amount_minor": amount, "currency": "EUR"},
            {"account_id": ACCOUNTS[to], "side": "credit", "amount_minor": amount, "currency": "EUR"},
        ]});
        if hold {
            body["pending"] = json!(true);
            if client.dice.bool() {
                let until = client.sandbox.clock().now() + Duration::from_secs(client.dice.u64(1..600));
                body["expires_at"] = json!(until);
            }
        }
        let got = self.send(client, "/transactions", &body).await?;
        lock(&self.made).insert(id, (body, got));
        Ok(())
    }

    /// Whoever makes it again finds it as it is.
    async fn repeat(&self, client: &mut Client<App>) -> Result<()> {
        let known = lock(&self.known).clone();
        let Some((id, body)) = client.dice.choice(known) else { return Ok(()) };
        if body["transaction_id"].is_null() {
            return Ok(());
        }
        let was_made = lock(&self.made).get(&id).is_some_and(|(_, before)| *before == Got::Done);
        let got = self.send(client, "/transactions", &body).await?;
        if got != Got::Unknown
            && let Some((_, before)) = lock(&self.made).get_mut(&id)
        {
            // What was refused for want of money may be made by now, and what was made stays so.
            if was_made && got == Got::Refused {
                lock(&self.broken).push(format!("{id} was made and is refused when it comes again"));
            }
            *before = if *before == Got::Done { Got::Done } else { got };
        }
        Ok(())
    }

    async fn end(&self, client: &mut Client<App>) -> Result<()> {
        let holds: Vec<_> = lock(&self.known).iter().filter(|(id, _)| id.starts_with("hold")).cloned().collect();
        let Some((id, body)) = client.dice.choice(holds) else { return Ok(()) };
        let (path, body) = match client.dice.u8(..3) {
            0 => (format!("/transactions/{id}/void"), json!({})),
            1 => (format!("/transactions/{id}/post"), json!({})),
            _ => {
                let mut part = body["entries"].clone();
                for entry in part.as_array_mut().into_iter().flatten() {
                    entry["amount_minor"] = json!(entry["amount_minor"].as_u64().unwrap_or_default() / 2);
                }
                (format!("/transactions/{id}/post"), json!({"entries": part}))
            }
        };
        for _ in 0..TRIES {
            let run = client.sandbox.http("POST", &path, &[], Some(&body), caller()).await?;
            if run.status() == 200 {
                lock(&self.ends).push((id, run.body().clone()));
                break;
            }
            if (400..500).contains(&run.status()) {
                break;
            }
        }
        Ok(())
    }

    async fn reverse(&self, client: &mut Client<App>) -> Result<()> {
        let known = lock(&self.known).clone();
        let Some((id, _)) = client.dice.choice(known) else { return Ok(()) };
        let got = self.send(client, &format!("/transactions/{id}/reverse"), &json!({})).await?;
        let mut made = lock(&self.made);
        let before = made.entry(format!("reversal-of:{id}")).or_insert_with(|| (json!({}), got));
        before.1 = if before.1 == Got::Done || got == Got::Done { Got::Done } else { Got::Unknown };
        Ok(())
    }

    /// At every instant debits are credits, posted and held, and nobody has less than nothing.
    async fn look(&self, client: &mut Client<App>) -> Result<()> {
        let Some(table) = self.table.get() else { return Ok(()) };
        let shards = |account: &str| if account == "bank" { BANK_SHARDS } else { 1 };
        let keys: Vec<Key> = ACCOUNTS
            .iter()
            .flat_map(|account| (0..shards(account)).map(move |shard| format!("B#alice#{account}#{shard:02}")))
            .map(|pk| Key::new(pk, "BALANCE"))
            .collect();
        let items = table.get_together(&keys).await?;
        let mut sums = [0_i128; 2];
        for (key, item) in keys.iter().zip(items) {
            let Some(item) = item else { continue };
            sums[0] += number(&item, "debits")? - number(&item, "credits")?;
            sums[1] += number(&item, "pending_debits")? - number(&item, "pending_credits")?;
            if !key.pk.contains("#bank#") && number(&item, "available")? < 0 {
                lock(&self.broken).push(format!("operation {}: {} owes: {item:?}", client.operation, key.pk));
            }
        }
        if sums != [0, 0] {
            lock(&self.broken).push(format!("operation {}: the books differ by {sums:?}", client.operation));
        }
        *lock(&self.snapshots) += 1;
        Ok(())
    }
}
