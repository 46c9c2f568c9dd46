//! What is urgent does not wait behind what is not: through the deployed cloud, with its real mappings.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws::env::Env;
use serde_json::{Value, json};
use testkit::{Cloud, eventually, repository};
use types::{Instant, random};

/// Low notifications unless `OPERATIONS` says otherwise: enough to see that it works.
const LOW: u64 = 300;
/// From so many on, the ratio is held: before, there is no queue to speak of.
const QUEUED: u64 = 5_000;
/// High ones, sent when all low ones are accepted.
const HIGH: usize = 60;
/// Low ones whose wait is looked at, the last that were accepted.
const LOOKED_AT: usize = 400;
/// Notifications of a batch.
const BATCH: u64 = 25;
const SENDERS: u64 = 4;
/// The share of the low ones' wait that the high ones may wait.
const MOST: f64 = 1.0 / 20.0;

struct Sender {
    cloud: Cloud,
    key: String,
}

impl Sender {
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.cloud.call("notifications", method, path, Some(&self.key), body)?;
        ensure!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    fn low(&self, from: u64, to: u64) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for start in (from..to).step_by(usize::try_from(BATCH)?) {
            let one = |n: u64| notification(&format!("low-{}", n % 97), "low");
            let all: Vec<Value> = (start..(start + BATCH).min(to)).map(one).collect();
            let answer = self.call("POST", "/notifications/batch", Some(&json!({"notifications": all})))?;
            for result in answer["results"].as_array().into_iter().flatten() {
                let id = result["notification_id"].as_str().with_context(|| result.to_string())?;
                ids.push(id.to_owned());
            }
        }
        Ok(ids)
    }

    /// How long a notification waited from its acceptance to its arrival.
    fn wait(&self, id: &str) -> Result<Option<Duration>> {
        let shown = self.call("GET", &format!("/notifications/{id}"), None)?;
        let Some(arrived) = shown["deliveries"][0]["delivered_at"].as_str() else { return Ok(None) };
        let created: Instant = shown["created_at"].as_str().context("a time")?.parse()?;
        Ok(Some(created.until(arrived.parse()?)))
    }
}

fn notification(user: &str, priority: &str) -> Value {
    json!({
        "user_id": user, "type": "news", "title": "a", "body": "b", "channels": ["in_app"], "priority": priority,
    })
}

fn p99(waits: &mut [Duration]) -> Duration {
    waits.sort();
    waits[(waits.len() * 99).div_ceil(100) - 1]
}

#[test]
fn high_ones_do_not_wait_behind_low_ones() -> Result<()> {
    let cloud = Cloud::connect()?;
    let scopes = ["notifications:send", "notifications:read"];
    let key = cloud.key(&format!("priorities-{}", random::base62(6)), &scopes)?;
    let low = Env::of_process().parse_or("OPERATIONS", LOW)?;
    let senders = (0..SENDERS).map(|n| {
        let (sender, share) = (Sender { cloud: Cloud::connect()?, key: key.clone() }, low / SENDERS);
        Ok(thread::spawn(move || sender.low(n * share, (n + 1) * share)))
    });
    let senders: Vec<_> = senders.collect::<Result<_>>()?;
    let mut accepted = Vec::new();
    for sender in senders {
        accepted.extend(sender.join().map_err(|_| anyhow::anyhow!("a sender failed"))??);
    }
    let sender = Sender { cloud, key };
    let mut high = Vec::new();
    for n in 0..HIGH {
        let sent = sender.call("POST", "/notifications", Some(&notification(&format!("high-{n}"), "high")))?;
        high.push(sent["notification_id"].as_str().context("an id")?.to_owned());
    }
    // An id begins with the time of its acceptance.
    accepted.sort();
    let last = accepted.split_off(accepted.len().saturating_sub(LOOKED_AT));
    let waits = |ids: &[String]| -> Result<Vec<Duration>> {
        ids.iter()
            .map(|id| eventually("a notification to arrive", Duration::from_secs(900), || sender.wait(id)))
            .collect()
    };
    let (high, low_wait) = (p99(&mut waits(&high)?), p99(&mut waits(&last)?));
    let ratio = high.as_secs_f64() / low_wait.as_secs_f64();
    let line = format!(
        "priorities: {low} low ones before {HIGH} high ones; p99 wait high {} ms, low {} ms, ratio {ratio:.4}",
        high.as_millis(),
        low_wait.as_millis()
    );
    std::fs::create_dir_all(repository().join("target/prove"))?;
    std::fs::write(repository().join("target/prove/notifications.priorities"), format!("{line}\n"))?;
    ensure!(low < QUEUED || ratio <= MOST, "{line}");
    Ok(())
}
