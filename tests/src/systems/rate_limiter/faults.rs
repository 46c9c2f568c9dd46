//! Limits while everything that can fail does: calls that are refused, lost before or after their effect, delayed, and
//! sandboxes that die.

use serde_json::{Value, json};
use testkit::{Fault, Faults, Run, Sandbox, World};
use tokio::task::JoinSet;

use super::WORLDS;
use rate_limiter::App;

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
    /// Answers that were lost: each call was sent again, and took a second unit if another wrote in between.
    lost: u64,
}

/// A world with these faults and the policy `api`.
async fn world(policy: &Value, faults: Faults) -> anyhow::Result<World<App>> {
    let environment = [("STATS_SECONDS", "300"), ("LIMITS_PATIENCE", "1")];
    let world = WORLDS.make_with(&environment, Some(faults)).await?;
    let made = world.undisturbed()?.http("PUT", "/policies/api", &[], Some(policy), ALICE).await?;
    anyhow::ensure!(made.status() == 201, "{made:?}");
    Ok(world)
}

async fn check(sandbox: &mut Sandbox<App>, keys: &Value) -> anyhow::Result<Run> {
    sandbox.http("POST", "/check", &[], Some(&json!({"policy": "api", "keys": keys})), ALICE).await
}

async fn storm(policy: &Value, keys: &Value, faults: Faults) -> anyhow::Result<Seen> {
    let world = world(policy, faults).await?;
    let mut clients = JoinSet::new();
    for number in 0..SANDBOXES {
        let (mut sandbox, keys) = (world.killable(&format!("client-{number}"))?, keys.clone());
        clients.spawn(async move {
            let mut seen = Seen::default();
            for _ in 0..CHECKS {
                let run = check(&mut sandbox, &keys).await?;
                let (allowed, reason) = (run.body()["allowed"].clone(), run.body()["reason"].clone());
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
    }
    all.lost = world.injected().get(&Fault::AnswerLost).copied().unwrap_or(0);
    anyhow::ensure!(world.injected().values().sum::<u64>() > 10, "hardly anything was disturbed");
    println!("{all:?}");
    Ok(all)
}

fn policy(dimensions: &[&str], extra: &Value) -> Value {
    let limit = json!({"quota": LIMIT, "per_seconds": 86400});
    let dimensions: Vec<Value> = dimensions.iter().map(|name| json!({"name": name, "limit": limit})).collect();
    let mut policy = json!({"dimensions": dimensions, "when_unavailable": "closed", "deadline_ms": 5000});
    policy.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    policy
}

/// Under all faults: never one too many, and no unit that nobody can have.
fn hold(extra: &Value, least: impl Fn(&Seen) -> u64) {
    let seed = u64::from(u32::from_be_bytes(types::random::bytes()));
    println!("seed {seed}: {extra}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let (policy, keys) = (policy(&["user"], extra), json!({"user": "u1"}));
    let seen = runtime.block_on(storm(&policy, &keys, Faults::all(seed))).unwrap();
    assert!(seen.admitted <= LIMIT, "seed {seed}: too many: {seen:?}");
    assert!(seen.admitted >= least(&seen), "seed {seed}: units were lost: {seen:?}");
}

/// Each unknown outcome and each answer that was lost may have taken a unit that no client has seen.
fn unseen(seen: &Seen) -> u64 {
    LIMIT.saturating_sub(seen.unknown + seen.lost)
}

#[test]
fn an_exact_bucket_admits_not_one_too_many() {
    hold(&json!({}), unseen);
}

#[test]
fn a_hedged_bucket_admits_not_one_too_many() {
    // Another may come between the two writes of any check.
    hold(&json!({"mode": "hedged"}), |seen| unseen(seen) / 2);
}

#[test]
fn a_fixed_window_admits_not_one_too_many() {
    hold(&json!({"algorithm": "fixed_window"}), unseen);
}

#[test]
fn a_sliding_counter_admits_not_one_too_many() {
    hold(&json!({"algorithm": "sliding_counter"}), unseen);
}

#[test]
fn a_log_admits_not_one_too_many() {
    // So many at once at one log are refused for that, in the end.
    hold(&json!({"algorithm": "sliding_log"}), |seen| unseen(seen) / 2);
}

#[test]
fn leases_admit_not_one_too_many() {
    let lease = json!({"mode": "never_over", "lease": {"units": 2, "milliseconds": 60000}});
    // One unit of a lease may be left in each sandbox, and two are lost with each that dies.
    hold(&lease, |seen| LIMIT.saturating_sub(SANDBOXES + 2 * (seen.unknown + seen.lost)));
}

/// Transactions at a bucket that all share cancel each other: then the buckets are taken from one by one, and all or none
/// all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dimensions_that_transactions_meet_at_are_taken_in_turn() -> anyhow::Result<()> {
    let conflicts = || Faults::seeded(1).with(Fault::Conflict, 1.0);
    let (policy, keys) = (policy(&["user", "everybody"], &json!({})), json!({"user": "u1", "everybody": "x"}));
    let seen = storm(&policy, &keys, conflicts()).await?;
    assert_eq!((seen.admitted, seen.denied, seen.unknown), (LIMIT, SANDBOXES * CHECKS - LIMIT, 0), "{seen:?}");

    let two = json!({"dimensions": [
        {"name": "user", "limit": {"quota": 2, "per_seconds": 86400}},
        {"name": "ip", "limit": {"quota": 1, "per_seconds": 86400}},
    ]});
    let world = world(&two, conflicts()).await?;
    let mut sandbox = world.killable("one")?;
    for (user, ip, allowed, dimension) in
        [("u1", "i1", true, "ip"), ("u1", "i1", false, "ip"), ("u1", "i2", true, "user"), ("u1", "i3", false, "user")]
    {
        let body = check(&mut sandbox, &json!({"user": user, "ip": ip})).await?.body();
        assert_eq!((&body["allowed"], &body["dimension"]), (&allowed.into(), &dimension.into()), "{user} {ip} {body}");
    }
    Ok(())
}

/// A table that is slow or away: by the policy's choice, and counted.
#[tokio::test]
async fn a_table_that_does_not_answer_in_time_fails_open_or_closed() -> anyhow::Result<()> {
    for (choice, allowed) in [("open", true), ("closed", false)] {
        for fault in [Fault::Throttled, Fault::RequestLost] {
            let extra = json!({"when_unavailable": choice, "deadline_ms": 20});
            let faults = Faults::seeded(1).with(fault, 0.6).only("DynamoDB_20120810.UpdateItem");
            let world = world(&policy(&["user"], &extra), faults).await?;
            let mut sandbox = world.killable("one")?;
            let mut failed = 0;
            for _ in 0..20 {
                let run = check(&mut sandbox, &json!({"user": "u1"})).await?;
                let body = run.body();
                if body["reason"] != json!(format!("failed_{choice}")) {
                    continue; // it came through
                }
                failed += 1;
                assert_eq!(body["allowed"], json!(allowed), "{body}");
                assert_eq!(body["retry_after_seconds"], if allowed { Value::Null } else { json!(1) }, "{body}");
                assert_eq!(run.count(if allowed { "limit_failed_open" } else { "limit_failed_closed" }), 1.0);
            }
            assert!(failed > 3, "{choice} {fault:?}: {failed}");
        }
    }
    Ok(())
}
