//! What the rate limiter promises, through the deployed cloud: 32 clients at once on one key, round after round, each
//! round a key of its own. A day's quota, so that nothing flows in meanwhile.

use std::thread;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Cloud, repository};

use crate::cloud::{fresh, records};

const CLIENTS: usize = 32;
/// Checks of one client in a round.
const CHECKS: usize = 6;
/// Units of a key.
const LIMIT: usize = 50;
/// Rounds of `make prove`; `make test` plays fewer.
const ROUNDS: usize = 20;
/// Checks that a sandbox lets through in `never_under` before it tells the others.
const EVERY: usize = 1;
/// Units that a sandbox takes ahead in `never_over`.
const LEASE: usize = 2;

/// How many of all checks of a key were admitted.
fn round(policy: &str, key: &str, keys: &Value) -> Result<usize> {
    let check = json!({"policy": policy, "keys": keys});
    let client = || -> Result<usize> {
        let (cloud, mut admitted) = (Cloud::connect()?, 0);
        for _ in 0..CHECKS {
            let answer = cloud.call("rate-limiter", "POST", "/check", Some(key), Some(&check))?;
            ensure!(answer.status == 200, "{answer:?}");
            let (allowed, reason) = (&answer.body["allowed"], &answer.body["reason"]);
            ensure!(reason == "admitted" || reason == "denied", "{}", answer.body);
            admitted += usize::from(allowed == &Value::Bool(true));
        }
        Ok(admitted)
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let admitted = clients.into_iter().map(|it| it.join().ok().context("a client panicked").and_then(|it| it));
        admitted.sum::<Result<usize>>()
    })
}

#[test]
#[allow(clippy::disallowed_methods)] // a test's own configuration
fn limits_hold_for_32_clients_at_once() -> Result<()> {
    let operations = std::env::var("OPERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(0_usize);
    let rounds = (operations / (CLIENTS * CHECKS)).clamp(1, ROUNDS);
    let cloud = Cloud::connect()?;
    let key = cloud.key(&fresh("prove"), &["limits:check", "policies:write"])?;
    let modes = [
        ("exact", 1, json!({"mode": "exact"})),
        ("two_dimensions", 2, json!({"mode": "exact"})),
        ("hedged", 1, json!({"mode": "hedged"})),
        ("never_over", 1, json!({"mode": "never_over", "lease": {"units": LEASE, "milliseconds": 60_000}})),
        ("never_under", 1, json!({"mode": "never_under", "sync": {"every": EVERY, "milliseconds": 60_000}})),
    ];
    let checks = CLIENTS * CHECKS;
    let mut line =
        format!("prove rate-limiter: clients {CLIENTS}, rounds {rounds}, checks a round {checks}, limit {LIMIT}");
    for (mode, dimensions, extra) in modes {
        let id = mode.replace('_', "-");
        // A check that the busy machine answers late must not pass for one that was admitted.
        let limit = json!({"quota": LIMIT, "per_seconds": 86_400});
        let names = &["user", "everybody"][..dimensions];
        let dimensions: Vec<Value> = names.iter().map(|name| json!({"name": name, "limit": limit})).collect();
        let mut policy = json!({"dimensions": dimensions, "when_unavailable": "closed", "deadline_ms": 5000});
        policy.as_object_mut().context("an object")?.extend(extra.as_object().context("an object")?.clone());
        let made = cloud.call("rate-limiter", "PUT", &format!("/policies/{id}"), Some(&key), Some(&policy))?;
        ensure!(made.status == 201, "{made:?}");
        let mut admitted = Vec::new();
        for number in 0..rounds {
            let keys = names.iter().map(|name| ((*name).to_owned(), json!(format!("{name}-{number}"))));
            admitted.push(round(&id, &key, &Value::Object(keys.collect()))?);
        }
        // Each sandbox that ever was began cold; other tests use some of them.
        let cold = |record: &Value| record["handler"] == "check_limit" && record["cold_starts"] == 1.0;
        let first = records(&cloud, "rate-limiter", "check_limit cold_starts\":1.0")?; // all of them are too many
        let sandboxes = first.into_iter().filter(cold).count();
        let (least, most) = match mode {
            // Another may come between the two writes of any check, which then takes twice.
            "hedged" => (LIMIT / 2, LIMIT),
            // Each sandbox may be left with what it took ahead, but for one.
            "never_over" => (LIMIT.saturating_sub(sandboxes * (LEASE - 1)), LIMIT),
            "never_under" => (LIMIT, LIMIT + sandboxes * EVERY),
            _ => (LIMIT, LIMIT),
        };
        let (low, high) = (admitted.iter().min().copied().unwrap_or(0), admitted.iter().max().copied().unwrap_or(0));
        ensure!(least <= low && high <= most, "{mode} admitted {admitted:?}, between {least} and {most} may be");
        line = format!("{line}, {mode} {low} to {high} (of {least} to {most})");
    }
    println!("{line}");
    let folder = repository().join("target/prove");
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join("rate-limiter"), format!("{line}\n"))?)
}
