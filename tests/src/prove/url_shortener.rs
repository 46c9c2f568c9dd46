//! The url-shortener under all faults: clients create, follow, disable and look at links at random.

mod judge;
mod judge_tests;
mod seen;
mod stored;
mod totals;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Client, Proof, Run, Verdict, World, prove};
use types::Clock;
use url_shortener::App;

use seen::{Got, Looked, Made, Opened, Seen, What};
use stored::Stored;

use crate::systems::url_shortener::WORLDS;

const OWNERS: u64 = 8;
/// Codes that clients wish for at the same time: few, so that several wish for the same.
const WISHES: u64 = 6;
/// Operations after which they wish for others.
const WISHED: u64 = 64;
/// The latest links, which half of all requests are about.
const HOT: usize = 4;
/// Links that clients remember.
const REMEMBERED: usize = 200;
/// An Idempotency-Key is remembered for so long.
const KEY_LIFE: Duration = Duration::from_secs(24 * 3600);

#[test]
fn no_promise_breaks_under_faults() {
    prove(&WORLDS, Model::default());
}

/// What the clients saw so far.
#[derive(Default)]
struct Model {
    ticks: AtomicU64,
    seen: Mutex<Vec<Seen>>,
    /// What clients may choose from in this round: it changes only between rounds, so a seed repeats the choices.
    known: Mutex<Known>,
}

#[derive(Default, Clone)]
struct Known {
    /// Requests, codes and owners of the latest links.
    links: Vec<(u64, String, u64)>,
    /// Keyed requests that may come again: number, owner, body.
    keyed: Vec<(u64, u64, Value)>,
}

impl Proof for Model {
    type App = App;

    async fn operate(&self, client: &mut Client<App>) -> Result<()> {
        match client.dice.u8(..100) {
            0..45 => self.follow(client).await,
            45..58 => self.create(client, false, false).await,
            58..68 => self.create(client, true, false).await,
            68..78 => self.create(client, false, true).await,
            78..82 => self.create(client, true, true).await,
            82..86 => self.repeat(client).await,
            86..91 => self.disable(client).await,
            91..95 => self.stats(client).await,
            _ => self.get(client).await,
        }
    }

    fn pause(&self, clock: &Clock, dice: &mut fastrand::Rng) {
        clock.advance(match dice.u8(..20) {
            0..6 => Duration::ZERO,
            6..12 => Duration::from_secs(dice.u64(1..60)),
            12..16 => Duration::from_secs(dice.u64(60..300)),
            16..19 => Duration::from_secs(dice.u64(600..7200)),
            _ => Duration::from_secs(dice.u64(7200..86_400)),
        });
        let mut known = Known::default();
        for seen in self.all() {
            if let What::Create { request, body, keyed, made, .. } = seen.what {
                if let Made::Link(code) = made {
                    known.links.push((request, code, seen.owner));
                }
                // A key is good for a day from the first sending.
                if keyed && request == seen.operation && clock.now() < seen.at + KEY_LIFE {
                    known.keyed.push((request, seen.owner, body));
                }
            }
        }
        known.links.sort();
        known.links.dedup();
        known.links.drain(..known.links.len().saturating_sub(REMEMBERED));
        known.keyed.sort_by_key(|keyed| keyed.0);
        known.keyed.dedup_by_key(|keyed| keyed.0);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    async fn examine(&self, world: &mut World<App>) -> Result<Verdict> {
        let stored = Stored::read(world, OWNERS).await?;
        Ok(judge::judge(&self.all(), &stored))
    }
}

impl Model {
    fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request as `owner` and notes what it gave.
    async fn call(
        &self,
        client: &mut Client<App>,
        owner: u64,
        (method, target, key, body): (&str, &str, Option<String>, Option<&Value>),
        what: impl FnOnce(&Run) -> What,
    ) -> Result<Run> {
        let (began, at) = (self.ticks.fetch_add(1, Ordering::SeqCst), client.sandbox.clock().now());
        let name = format!("owner-{owner}");
        let headers: Vec<_> = key.into_iter().map(|key| ("Idempotency-Key".to_owned(), key)).collect();
        let caller = Some((name.as_str(), "links:read links:write", "pro"));
        let run = client.sandbox.http(method, target, &headers, body, caller).await?;
        let ended = self.ticks.fetch_add(1, Ordering::SeqCst);
        let seen = Seen { operation: client.operation, began, ended, at, owner, what: what(&run) };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        Ok(run)
    }

    async fn create(&self, client: &mut Client<App>, wished: bool, keyed: bool) -> Result<()> {
        let (owner, request) = (client.number % OWNERS, client.operation);
        let mut body = json!({"url": format!("https://target.example/{request}")});
        if wished {
            body["code"] = wish(client).into();
        }
        match client.dice.u8(..5) {
            0 => body["ttl_seconds"] = client.dice.u64(1..90).into(),
            3 => body["ttl_seconds"] = client.dice.u64(86_400..100_800).into(),
            1 => body["ttl_seconds"] = client.dice.u64(1800..14400).into(),
            2 => body["max_clicks"] = client.dice.u64(1..8).into(),
            _ => {}
        }
        self.send_create(client, owner, request, &body, keyed).await
    }

    /// A keyed request is repeated until it is answered; any other is sent once.
    async fn send_create(
        &self,
        client: &mut Client<App>,
        owner: u64,
        request: u64,
        body: &Value,
        keyed: bool,
    ) -> Result<()> {
        for _ in 0..4 {
            let key = keyed.then(|| format!("key-{request}"));
            let made = |run: &Run| {
                let made = Made::of(run);
                What::Create { request, body: body.clone(), keyed, made }
            };
            let run = self.call(client, owner, ("POST", "/links", key, Some(body)), made).await?;
            if !keyed || !matches!(Made::of(&run), Made::Unknown) {
                break;
            }
        }
        Ok(())
    }

    /// Somebody's keyed request comes again, hours later.
    async fn repeat(&self, client: &mut Client<App>) -> Result<()> {
        let known = self.known();
        let Some((request, owner, body)) = client.dice.choice(known.keyed) else {
            return self.create(client, false, true).await;
        };
        self.send_create(client, owner, request, &body, true).await
    }

    /// Half of all ask for a hot link, some for any, some for a code that may not be there yet.
    fn some_code(&self, client: &mut Client<App>) -> (String, u64) {
        let links = self.known().links;
        let hot = links.len().min(HOT);
        let back = match client.dice.u8(..8) {
            0..4 if hot > 0 => client.dice.usize(..hot),
            4..7 if hot > 0 => client.dice.usize(..links.len()),
            _ => return (wish(client), client.number % OWNERS),
        };
        let (_, code, owner) = &links[links.len() - 1 - back];
        (code.clone(), *owner)
    }

    async fn follow(&self, client: &mut Client<App>) -> Result<()> {
        let (code, _) = self.some_code(client);
        let target = format!("/{code}");
        let opened = |run: &Run| What::Follow { code, opened: Opened::of(run) };
        self.call(client, 0, ("GET", &target, None, None), opened).await.map(drop)
    }

    async fn disable(&self, client: &mut Client<App>) -> Result<()> {
        let (code, owner) = self.some_code(client);
        let owner = if client.dice.u8(..8) == 0 { (owner + 1) % OWNERS } else { owner };
        let target = format!("/links/{code}");
        let got = |run: &Run| What::Disable { code, got: Got::of(run) };
        self.call(client, owner, ("DELETE", &target, None, None), got).await.map(drop)
    }

    async fn stats(&self, client: &mut Client<App>) -> Result<()> {
        let (code, owner) = self.some_code(client);
        let target = format!("/links/{code}/stats");
        let total = |run: &Run| What::Stats { code, total: run.body()["total_clicks"].as_u64() };
        self.call(client, owner, ("GET", &target, None, None), total).await.map(drop)
    }

    async fn get(&self, client: &mut Client<App>) -> Result<()> {
        let (code, owner) = self.some_code(client);
        let target = format!("/links/{code}");
        let looked = |run: &Run| What::Get { code, looked: Looked::of(run) };
        self.call(client, owner, ("GET", &target, None, None), looked).await.map(drop)
    }
}

fn wish(client: &mut Client<App>) -> String {
    format!("wish-{}-{}", client.operation / WISHED, client.dice.u64(..WISHES))
}
