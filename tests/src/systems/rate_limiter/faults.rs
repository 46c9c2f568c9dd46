//! Limits while everything that can fail does: calls that are refused, lost before or after their effect, delayed, and
//! sandboxes that die.

use serde_json::{Value, json};
use testkit::{Faults, Run};
use tokio::task::JoinSet;

use super::WORLDS;

const LIMIT: u64 = 40;
const SANDBOXES: u64 = 16;
const CHECKS: u64 = 8;

type Caller = Option<(&'static str, &'static str, &'static str)>;
const ALICE: Caller = Some(("alice", "limits:check policies:write", "pro"));

/// What clients saw of one key that all of them asked for.
#[derive(Debug, Default)]
struct Seen {
    admitted: u64,
    denied: u64,
    /// Died, failed, or were refused for want of an answer: their unit may have been taken.
    unknown: u64,
    /// Calls that were sent again: each may have taken a second unit, if another wrote in between.
    sent_again: u64,
}

async fn storm(policy: Value, seed: u64) -> anyhow::Result<Seen> {
    let world = WORLDS.make_with(&[("STATS_SECONDS", "300")], Some(Faults::all(seed))).await?;
    let made = world.undisturbed()?.http("PUT", "/policies/api", &[], Some(&policy), ALICE).await?;
    anyhow::ensure!(made.status() == 201, "{made:?}");
    let mut clients = JoinSet::new();
    for number in 0..SANDBOXES {
        let mut sandbox = world.killable(&format!("client-{number}"))?;
        clients.spawn(async move {
            let mut seen = Seen::default();
            for _ in 0..CHECKS {
                let check = json!({"policy": "api", "keys": {"user": "u1"}});
                let run = sandbox.http("POST", "/check", &[], Some(&check), ALICE).await?;
                let (allowed, reason) = (run.body()["allowed"].clone(), run.body()["reason"].clone());
                if let Run::Answered(_, record) = &run {
                    seen.sent_again += u64::from(record.meter.retries);
                }
                match (allowed.as_bool(), reason.as_str()) {
                    (Some(true), Some("admitted")) => seen.admitted += 1,
                    (Some(false), Some("denied")) => seen.denied += 1,
                    (Some(false), Some("failed_closed")) | (None, _) => seen.unknown += 1,
                    other => anyhow::bail!("{other:?}"),
                }
            }
            anyhow::Ok(seen)
        });
    }
    let mut all = Seen::default();
    for seen in clients.join_all().await {
        let seen = seen?;
        all.admitted += seen.admitted;
        all.denied += seen.denied;
        all.unknown += seen.unknown;
        all.sent_again += seen.sent_again;
    }
    anyhow::ensure!(world.injected().values().sum::<u64>() > 10, "hardly anything was disturbed");
    Ok(all)
}

fn run(policy: &Value) {
    let seed = u64::from(u32::from_be_bytes(types::random::bytes()));
    println!("seed {seed}: {policy}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let seen = runtime.block_on(storm(policy.clone(), seed)).unwrap();
    println!("{seen:?}");
    assert!(seen.admitted <= LIMIT, "too many: {seen:?}");
    assert!(seen.admitted + seen.unknown + seen.sent_again >= LIMIT, "units were lost: {seen:?}");
}

fn policy(extra: &Value) -> Value {
    let limit = json!({"quota": LIMIT, "per_seconds": 86400});
    let mut policy = json!({
        "dimensions": [{"name": "user", "limit": limit}], "when_unavailable": "closed", "deadline_ms": 2000,
    });
    policy.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    policy
}

#[test]
fn an_exact_bucket_admits_not_one_too_many() {
    run(&policy(&json!({})));
}

#[test]
fn a_hedged_bucket_admits_not_one_too_many() {
    let seed = u64::from(u32::from_be_bytes(types::random::bytes()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let seen = runtime.block_on(storm(policy(&json!({"mode": "hedged"})), seed)).unwrap();
    // Whether a hedged check took one unit or two is not known where another came between its two writes.
    assert!(seen.admitted <= LIMIT && seen.admitted > 0, "seed {seed}: {seen:?}");
}

#[test]
fn a_fixed_window_admits_not_one_too_many() {
    run(&policy(&json!({"algorithm": "fixed_window"})));
}

#[test]
fn a_log_admits_not_one_too_many() {
    run(&policy(&json!({"algorithm": "sliding_log"})));
}

#[test]
fn leases_admit_not_one_too_many() {
    let seed = u64::from(u32::from_be_bytes(types::random::bytes()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let lease = json!({"mode": "never_over", "lease": {"units": 3, "milliseconds": 60000}});
    let seen = runtime.block_on(storm(policy(&lease), seed)).unwrap();
    assert!(seen.admitted <= LIMIT && seen.admitted > 0, "seed {seed}: {seen:?}");
}
