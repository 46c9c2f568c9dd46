//! What the rate limiter promises, through the deployed cloud: 32 clients at once on one key, round after round, each
//! round a key of its own. A day's quota, so that nothing flows in meanwhile.

use std::thread;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Cloud, repository};

use crate::cloud::{fresh, records};

const CLIENTS: usize = 32;
/// Checks of one client in a round.
const CHECKS: usize = 4;
/// Units of a key.
const LIMIT: usize = 50;
/// Rounds of `make prove`; `make test` plays fewer.
const ROUNDS: usize = 20;
/// Checks that a sandbox lets through in `never_under` before it tells the others.
const EVERY: usize = 2;

/// How many of all checks of a key were admitted.
fn round(policy: &str, key: &str, user: &str) -> Result<usize> {
    let check = json!({"policy": policy, "keys": {"user": user}});
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
        ("exact", json!({"mode": "exact"})),
        ("hedged", json!({"mode": "hedged"})),
        ("never_over", json!({"mode": "never_over", "lease": {"units": 2, "milliseconds": 60_000}})),
        ("never_under", json!({"mode": "never_under", "sync": {"every": EVERY, "milliseconds": 60_000}})),
    ];
    let checks = CLIENTS * CHECKS;
    let mut line = format!("prove rate-limiter: clients {CLIENTS}, rounds {rounds}, checks a round {checks}");
    for (mode, extra) in modes {
        let id = mode.replace('_', "-");
        // A check that the busy machine answers late must not pass for one that was admitted.
        let mut policy = json!({
            "dimensions": [{"name": "user", "limit": {"quota": LIMIT, "per_seconds": 86_400}}],
            "when_unavailable": "closed", "deadline_ms": 5000,
        });
        policy.as_object_mut().context("an object")?.extend(extra.as_object().context("an object")?.clone());
        let made = cloud.call("rate-limiter", "PUT", &format!("/policies/{id}"), Some(&key), Some(&policy))?;
        ensure!(made.status == 201, "{made:?}");
        let mut admitted = Vec::new();
        for number in 0..rounds {
            admitted.push(round(&id, &key, &format!("user-{number}"))?);
        }
        // Each sandbox that ever was began cold; other tests use some of them.
        let cold = |record: &Value| record["handler"] == "check_limit" && record["cold_starts"] == 1.0;
        let sandboxes = records(&cloud, "rate-limiter", "check_limit")?.into_iter().filter(cold).count();
        let (least, most) = match mode {
            // Both writes of a hedged check may take, where another comes between: fewer, but not more.
            "hedged" => (1, LIMIT),
            // A sandbox may be left with what it took ahead.
            "never_over" => (1, LIMIT),
            "never_under" => (LIMIT, LIMIT + sandboxes * EVERY),
            _ => (LIMIT, LIMIT),
        };
        let (low, high) = (admitted.iter().min().copied().unwrap_or(0), admitted.iter().max().copied().unwrap_or(0));
        ensure!(least <= low && high <= most, "{mode} admitted {admitted:?}, between {least} and {most} may be");
        line = format!("{line}, {mode} {low} to {high} of {LIMIT} (at most {most})");
    }
    println!("{line}");
    let folder = repository().join("target/prove");
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(folder.join("rate-limiter"), format!("{line}\n"))?)
}
