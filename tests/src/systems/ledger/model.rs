//! The ledger against a plain model of it: the same steps, chosen at random, have the same outcome in both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result};
use ledger::App;
use serde_json::{Value, json};
use testkit::{Delivery, World};
use types::Instant;

use super::WORLDS;
use super::statements::open;

const STEPS: usize = 150;
const ACCOUNTS: [&str; 3] = ["cash", "sales", "fees"];

/// Debits and credits, posted and held.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sums {
    debits: i64,
    credits: i64,
    held_debits: i64,
    held_credits: i64,
}

/// Account, whether a debit, and amount.
type Legs = Vec<(usize, bool, i64)>;

#[derive(Debug, Clone, PartialEq)]
enum State {
    Posted(Legs),
    Held { until: Option<u64> },
    Gone,
}

/// What the books are in memory: no table, no transactions, one step after the other.
#[derive(Default)]
struct Model {
    sums: [Sums; 3],
    transactions: BTreeMap<String, (Legs, State)>,
    /// Balances of `cash` at past seconds.
    past: BTreeMap<u64, i64>,
    second: u64,
}

impl Model {
    /// `cash` is an asset that may not owe.
    fn free(&self) -> i64 {
        self.sums[0].debits - self.sums[0].credits - self.sums[0].held_credits
    }

    fn takes(legs: &Legs, hold: bool) -> i64 {
        let of = |debit: bool| legs.iter().filter(|leg| leg.0 == 0 && leg.1 == debit).map(|leg| leg.2).sum::<i64>();
        if hold { of(false) } else { of(false) - of(true) }
    }

    fn add(&mut self, legs: &Legs, factor: i64, held: bool) {
        for &(account, debit, amount) in legs {
            let sums = &mut self.sums[account];
            let sum = match (debit, held) {
                (true, false) => &mut sums.debits,
                (false, false) => &mut sums.credits,
                (true, true) => &mut sums.held_debits,
                (false, true) => &mut sums.held_credits,
            };
            *sum += factor * amount;
        }
    }

    fn make(&mut self, id: &str, legs: &Legs, hold: Option<Option<u64>>) -> u16 {
        if let Some((before, _)) = self.transactions.get(id) {
            let sorted = |legs: &Legs| legs.iter().copied().collect::<BTreeSet<_>>();
            return if sorted(before) == sorted(legs) { 201 } else { 409 };
        }
        let takes = Self::takes(legs, hold.is_some());
        if takes > 0 && takes > self.free() {
            return 409;
        }
        self.add(legs, 1, hold.is_some());
        let state = hold.map_or_else(|| State::Posted(legs.clone()), |until| State::Held { until });
        self.transactions.insert(id.to_owned(), (legs.clone(), state));
        201
    }

    fn end(&mut self, id: &str, post: Option<&Legs>) -> u16 {
        let Some((legs, state)) = self.transactions.get(id).cloned() else { return 404 };
        match (state, post) {
            (State::Held { until }, Some(_)) if until.is_some_and(|until| until <= self.second) => 409,
            (State::Held { .. }, _) => {
                self.add(&legs, -1, true);
                let next = match post {
                    Some(part) => State::Posted(part.clone()),
                    None => State::Gone,
                };
                if let Some(part) = post {
                    self.add(part, 1, false);
                }
                self.transactions.insert(id.to_owned(), (legs, next));
                200
            }
            (State::Posted(before), Some(part)) if before == *part => 200,
            (State::Gone, None) => 200,
            _ => 409,
        }
    }

    fn expire(&mut self) {
        let over = |state: &State| matches!(state, State::Held { until: Some(until) } if *until <= self.second);
        let over: Vec<String> =
            self.transactions.iter().filter(|(_, (_, state))| over(state)).map(|(id, _)| id.clone()).collect();
        for id in over {
            self.end(&id, None);
        }
    }
}

fn entries(legs: &Legs) -> Value {
    let entry = |&(account, debit, amount): &(usize, bool, i64)| {
        let side = if debit { "debit" } else { "credit" };
        json!({"account_id": ACCOUNTS[account], "side": side, "amount_minor": amount, "currency": "EUR"})
    };
    legs.iter().map(entry).collect()
}

/// Two entries, or three.
fn some_legs(dice: &mut fastrand::Rng) -> Legs {
    let (from, amount) = (dice.usize(..3), dice.i64(2..60));
    let (to, debit, part) = ((from + dice.usize(1..3)) % 3, dice.bool(), dice.i64(1..amount));
    let rest = 3 - from - to;
    match dice.u8(..3) {
        0 => vec![(from, debit, amount), (to, !debit, part), (rest, !debit, amount - part)],
        _ => vec![(from, debit, amount), (to, !debit, amount)],
    }
}

async fn ask(world: &mut World<App>, method: &str, target: &str, body: Option<Value>) -> Result<(u16, Value)> {
    let caller = Some(("alice", "ledger:read ledger:write", "pro"));
    let answer = world.http(method, target, &[], body.as_ref(), caller).await?;
    let status = u16::try_from(answer["statusCode"].as_u64().context("a status")?)?;
    Ok((status, serde_json::from_str(answer["body"].as_str().unwrap_or_default())?))
}

/// A hold that may expire, and what it is answered.
fn hold(model: &mut Model, dice: &mut fastrand::Rng, number: usize, now: Instant) -> (Value, u16) {
    let (id, legs) = (format!("h{number}"), some_legs(dice));
    let until = dice.bool().then(|| model.second + dice.u64(1..120));
    let mut body = json!({"transaction_id": id, "entries": entries(&legs), "pending": true});
    if let Some(until) = until {
        body["expires_at"] = json!(now + Duration::from_secs(until - model.second));
    }
    (body, model.make(&id, &legs, Some(until)))
}

async fn step(world: &mut World<App>, model: &mut Model, dice: &mut fastrand::Rng, number: usize) -> Result<()> {
    let known: Vec<String> = model.transactions.keys().cloned().collect();
    let some = if known.is_empty() { "none".to_owned() } else { known[dice.usize(..known.len())].clone() };
    let now = world.clock.now();
    let (did, expected, (found, shown)) = match dice.u8(..20) {
        0..9 => {
            // Now and then an id that is taken, by the same or by something else.
            let again = dice.u8(..6) == 0 && some.starts_with('t');
            let legs = match model.transactions.get(&some) {
                Some((legs, _)) if again && dice.bool() => legs.clone(),
                _ => some_legs(dice),
            };
            let id = if again { some } else { format!("t{number}") };
            let body = json!({"transaction_id": id, "entries": entries(&legs)});
            let expected = model.make(&id, &legs, None);
            (format!("make {body}"), expected, ask(world, "POST", "/transactions", Some(body)).await?)
        }
        9..13 => {
            let (body, expected) = hold(model, dice, number, now);
            (format!("hold {body}"), expected, ask(world, "POST", "/transactions", Some(body)).await?)
        }
        13..15 if some.starts_with('h') => {
            let legs = model.transactions[&some].0.clone();
            let part: Legs = match legs.as_slice() {
                [a, b] if dice.bool() => [a, b].map(|leg| (leg.0, leg.1, leg.2 / 2)).into(),
                _ => legs,
            };
            let expected = model.end(&some, Some(&part));
            let body = Some(json!({"entries": entries(&part)}));
            (
                format!("post {some} {part:?}"),
                expected,
                ask(world, "POST", &format!("/transactions/{some}/post"), body).await?,
            )
        }
        15..16 if some.starts_with('h') => {
            let expected = model.end(&some, None);
            (format!("void {some}"), expected, ask(world, "POST", &format!("/transactions/{some}/void"), None).await?)
        }
        16 if some.starts_with('t') => {
            let legs: Legs = model.transactions[&some].0.iter().map(|leg| (leg.0, !leg.1, leg.2)).collect();
            let expected = model.make(&format!("reversal-of:{some}"), &legs, None);
            let body = Some(json!({}));
            (
                format!("reverse {some}"),
                expected,
                ask(world, "POST", &format!("/transactions/{some}/reverse"), body).await?,
            )
        }
        17..19 => {
            model.past.insert(model.second, model.sums[0].debits - model.sums[0].credits);
            let seconds = dice.u64(1..90);
            world.clock.advance(Duration::from_secs(seconds));
            model.second += seconds;
            return Ok(());
        }
        _ => {
            world.invoke("sweep_due", &json!({})).await?;
            world.drain("expire_transactions", Delivery::TwiceShuffled(1)).await?;
            model.expire();
            return Ok(());
        }
    };
    assert_eq!(found, expected, "step {number}: {did}: {shown}");
    Ok(())
}

async fn play(seed: u64) -> Result<()> {
    eprintln!("seed {seed}");
    let mut world = WORLDS.make(&[("CHECKPOINT_EVERY", "7")]).await?;
    open(&mut world).await?;
    let start = world.clock.now();
    let (mut model, mut dice) = (Model::default(), fastrand::Rng::with_seed(seed));
    for number in 0..STEPS {
        step(&mut world, &mut model, &mut dice, number).await?;
        let (mut debits, mut credits) = (0, 0);
        for (account, sums) in ACCOUNTS.iter().zip(model.sums) {
            let (_, shown) = ask(&mut world, "GET", &format!("/accounts/{account}"), None).await?;
            let field = |name: &str| shown[name].as_i64().unwrap_or(i64::MIN);
            let [debit, credit] = [field("debits_minor"), field("credits_minor")];
            let [held_debits, held_credits] = [field("pending_debits_minor"), field("pending_credits_minor")];
            let holds = if *account == "sales" { held_debits } else { held_credits };
            let free = if *account == "sales" { credit - debit } else { debit - credit } - holds;
            assert_eq!(field("available_minor"), free, "{account} after step {number}");
            let shown = Sums { debits: debit, credits: credit, held_debits, held_credits };
            assert_eq!(shown, sums, "{account} after step {number}");
            (debits, credits) = (debits + debit, credits + credit);
        }
        assert_eq!(debits, credits, "the books balance after step {number}");
        assert!(model.free() >= 0);
    }
    world.stream("checkpoint_balances", Delivery::TwiceShuffled(1)).await?;
    for (second, balance) in &model.past {
        let at = start + Duration::from_secs(*second) + Duration::from_millis(999);
        if at < world.clock.now() {
            let (_, shown) = ask(&mut world, "GET", &format!("/accounts/cash?as_of={at}"), None).await?;
            assert_eq!(shown["balance_minor"], *balance, "at second {second}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_books_are_what_a_plain_model_of_them_says() -> Result<()> {
    let seed = fastrand::u64(..);
    for seed in [seed, seed.wrapping_add(1)] {
        play(seed).await?;
    }
    Ok(())
}
