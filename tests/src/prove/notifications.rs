//! Notifications under all faults: each client is the server of a tenant and has one user, who is told things by four
//! channels, opts out, and sleeps at night. Mail and text messages go to the emulator's SES and SNS, webhooks to a
//! receiver that fails too.

mod judge;
mod priorities;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use notifications::App;
use serde_json::{Value, json};
use testkit::{Client, Proof, Received, Receiver, Run, Verdict, World, prove};
use types::Clock;

use crate::systems::notifications::WORLDS;
use judge::Found;

/// Where users live; the clock passes changes of summer time only by chance (properties have those).
const ZONES: [&str; 5] =
    ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"];
/// Hours in which everything comes to its end: the longest night and three retries.
const HOURS: u64 = 48;

#[test]
fn nothing_is_lost_and_nothing_is_twice_that_can_be_once() -> Result<()> {
    prove(&WORLDS, Model::new()?);
    Ok(())
}

/// What a client asked for.
#[derive(Debug, Clone)]
struct Asked {
    client: u64,
    operation: u64,
    /// None where nobody knows whether it was accepted.
    id: Option<String>,
    channels: Vec<&'static str>,
    /// What the user had opted out of when it was sent, and never opted into again: see [`Model::change_mind`].
    forbidden: Vec<&'static str>,
}

/// A user as the client that has it knows it.
#[derive(Debug, Clone, Default)]
struct Known {
    addresses: BTreeMap<&'static str, String>,
    /// Channels that the user has switched off, for certain.
    off: Vec<&'static str>,
    /// Whether it is known how the preferences are.
    certain: bool,
}

struct Model {
    receiver: Receiver,
    asked: Mutex<Vec<Asked>>,
    users: Mutex<BTreeMap<u64, Known>>,
}

/// The receiver fails one time in eight, by the number that ends the message's signature: each attempt meets another.
fn answer(received: &Received) -> Option<u16> {
    let sum: u32 =
        received.headers.get("webhook-signature").into_iter().flat_map(|text| text.bytes()).map(u32::from).sum();
    match sum % 32 {
        0 | 1 => Some(500),
        2 => Some(429),
        3 => None,
        _ => Some(204),
    }
}

fn tenant(client: u64) -> String {
    format!("tenant-{}", client % 4)
}

fn user(client: u64) -> String {
    format!("user-{client}")
}

impl Proof for Model {
    type App = App;

    fn changes(&self) -> Vec<(&'static str, &'static str)> {
        // Without a rate, since the clock stands still while hundreds are sent; with the cap of an hour.
        vec![
            ("ALLOW_PRIVATE_HOSTS", "true"),
            ("MAILS_PER_SECOND", "0"),
            ("TEXTS_PER_SECOND", "0"),
            ("SMS_DAILY_CAP_MICROS", "100000000"),
            // Hours pass at once here, and each of their minutes is looked through.
            ("DUE_SHARDS", "1"),
        ]
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(31)
    }

    async fn operate(&self, client: &mut Client<App>) -> Result<()> {
        if !self.known(client.number).certain {
            return self.introduce(client).await;
        }
        match client.dice.u8(..100) {
            0..3 => self.change_mind(client).await,
            _ => self.send(client).await,
        }
    }

    fn pause(&self, clock: &Clock, dice: &mut fastrand::Rng) {
        clock.advance(match dice.u8(..10) {
            0..6 => Duration::from_secs(dice.u64(31..300)),
            6..9 => Duration::from_secs(dice.u64(300..3600)),
            _ => Duration::from_secs(dice.u64(3600..7200)),
        });
    }

    async fn examine(&self, world: &mut World<App>) -> Result<Verdict> {
        self.finish(world).await?;
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let clients = asked.iter().map(|one| one.client).collect();
        let found = Found::read(world, &self.receiver.received(), &clients).await?;
        Ok(judge::judge(&asked, &found))
    }
}

impl Model {
    fn new() -> Result<Self> {
        Ok(Self { receiver: Receiver::start(answer)?, asked: Mutex::default(), users: Mutex::default() })
    }

    fn known(&self, client: u64) -> Known {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).get(&client).cloned().unwrap_or_default()
    }

    fn know(&self, client: u64, known: Known) {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).insert(client, known);
    }

    async fn call(
        &self,
        client: &mut Client<App>,
        (method, path, key, body): (&str, &str, Option<String>, &Value),
    ) -> Result<Run> {
        let headers: Vec<_> = key.into_iter().map(|key| ("Idempotency-Key".to_owned(), key)).collect();
        let (name, scopes) = (tenant(client.number), "notifications:send users:write users:read");
        client.sandbox.http(method, path, &headers, Some(body), Some((&name, scopes, "enterprise"))).await
    }

    /// Asks again until it is answered, or too often. What it does is the same the second time.
    async fn insist(&self, client: &mut Client<App>, method: &str, path: &str, body: &Value) -> Result<Option<Value>> {
        for _ in 0..8 {
            let run = self.call(client, (method, path, None, body)).await?;
            if (200..300).contains(&run.status()) {
                return Ok(Some(run.body()));
            }
            ensure!(!(400..429).contains(&run.status()), "{method} {path}: {run:?}");
        }
        Ok(None)
    }

    /// Registers the user's addresses, and says when the user sleeps.
    async fn introduce(&self, client: &mut Client<App>) -> Result<()> {
        let number = client.number;
        let mut known = self.known(number);
        let hook = self.receiver.url(&format!("/{number}"));
        for (channel, address) in [
            ("email", json!({"channel": "email", "email": format!("u{number}@example.com"), "verified": true})),
            ("sms", json!({"channel": "sms", "phone": format!("+1415555{number:04}")})),
            ("webhook", json!({"channel": "webhook", "url": hook})),
        ] {
            let path = format!("/users/{}/addresses", user(number));
            match self.insist(client, "POST", &path, &address).await? {
                Some(made) => {
                    known.addresses.insert(channel, made["address_id"].as_str().unwrap_or_default().to_owned());
                }
                None => return Ok(()), // another time
            }
        }
        known.certain = self.wish(client, &[]).await?;
        self.know(number, known);
        Ok(())
    }

    async fn wish(&self, client: &mut Client<App>, off: &[&'static str]) -> Result<bool> {
        let channels: BTreeMap<_, _> = off.iter().map(|channel| (*channel, false)).collect();
        let zone = ZONES[usize::try_from(client.number)? % ZONES.len()];
        let mut wishes = json!({"channels": channels, "time_zone": zone});
        if client.number.is_multiple_of(2) {
            wishes["quiet_hours"] = json!({"start": "22:00", "end": "07:30"});
        }
        let path = format!("/users/{}/preferences", user(client.number));
        Ok(self.insist(client, "PUT", &path, &wishes).await?.is_some())
    }

    /// The user opts out of one more channel, and not in again: what was sent after that must never arrive.
    async fn change_mind(&self, client: &mut Client<App>) -> Result<()> {
        let mut known = self.known(client.number);
        let mut off = known.off.clone();
        let more = ["email", "sms", "webhook"][client.dice.usize(..3)];
        // One stays, so that there is something to send until the end.
        if off.len() < 2 && !off.contains(&more) {
            off.push(more);
        }
        known.certain = self.wish(client, &off).await?;
        if known.certain {
            known.off = off;
        }
        self.know(client.number, known);
        Ok(())
    }

    async fn send(&self, client: &mut Client<App>) -> Result<()> {
        let known = self.known(client.number);
        let mut channels: Vec<&'static str> =
            ["email", "sms", "webhook", "in_app"].into_iter().filter(|_| client.dice.u8(..2) == 0).collect();
        if channels.is_empty() {
            channels.push("in_app");
        }
        let critical = client.dice.u8(..10) == 0;
        let priority = if critical { "critical" } else { ["high", "normal", "low"][client.dice.usize(..3)] };
        let mut body = json!({
            "user_id": user(client.number), "type": "news", "channels": channels, "priority": priority,
            "title": format!("n{}", client.operation), "body": "there is news",
        });
        if client.dice.u8(..5) == 0 {
            let later = client.sandbox.clock().now() + Duration::from_secs(client.dice.u64(60..7200));
            body["send_at"] = json!(later);
        }
        let mut asked =
            Asked { client: client.number, operation: client.operation, id: None, channels, forbidden: known.off };
        for _ in 0..4 {
            let key = Some(format!("key-{}", client.operation));
            let run = self.call(client, ("POST", "/notifications", key, &body)).await?;
            if run.status() == 202 {
                asked.id = run.body()["notification_id"].as_str().map(str::to_owned);
                break;
            }
            ensure!(![400, 401, 403, 404, 422].contains(&run.status()), "{run:?}");
        }
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        Ok(())
    }

    /// Lets time pass, without faults, until everything has come to its end.
    async fn finish(&self, world: &mut World<App>) -> Result<()> {
        let mut calm = world.undisturbed()?;
        for _ in 0..HOURS {
            if !Found::waits(world).await? {
                break;
            }
            world.clock.advance(Duration::from_secs(3600));
            calm.invoke("sweep_due", &json!({})).await?;
            loop {
                let messages = world.messages("deliver").await?;
                if messages.is_empty() {
                    break;
                }
                for batch in messages.chunks(10) {
                    let Run::Answered(answer, _) = calm.invoke("deliver", &json!({"Records": batch})).await? else {
                        anyhow::bail!("it was killed where nothing kills");
                    };
                    let answer = answer.map_err(|fault| anyhow::anyhow!(fault.chain()))?;
                    ensure!(answer["batchItemFailures"] == json!([]), "{answer}");
                }
            }
        }
        Ok(())
    }
}
