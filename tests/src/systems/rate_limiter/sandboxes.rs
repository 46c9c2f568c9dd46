//! What sandboxes share, and what each knows by itself.

use serde_json::json;

use super::WORLDS;

/// What is in one shard or another is all there is; a check that finds its own empty asks one more.
#[tokio::test]
async fn shards_of_a_key_hold_the_whole_limit() -> anyhow::Result<()> {
    let mut world = WORLDS.make(&[("STATS_SECONDS", "300")]).await?;
    let alice = Some(("alice", "limits:check policies:write", "pro"));
    let limit = json!({"quota": 10, "per_seconds": 86400});
    let policy = json!({"shards": 4, "dimensions": [{"name": "user", "limit": limit}]});
    world.http("PUT", "/policies/hot", &[], Some(&policy), alice).await?;
    let (mut admitted, mut calls) = (0, 0);
    for _ in 0..200 {
        let check = json!({"policy": "hot", "keys": {"user": "u1"}});
        let answer = world.http("POST", "/check", &[], Some(&check), alice).await?;
        let body: serde_json::Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        assert_eq!(body["limit"], 10, "{body}");
        admitted += i32::from(body["allowed"] == true);
        calls += world.records.last().map_or(0, |record| record.meter.calls.values().sum::<u32>());
    }
    assert_eq!(admitted, 10);
    assert!(calls < 10 + 4 + 2 + 10, "empty shards are known: {calls} calls");
    let peek = "/peek?policy=hot&keys=%7B%22user%22:%22u1%22%7D";
    let answer = world.http("GET", peek, &[], None, alice).await?;
    let body: serde_json::Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
    assert_eq!((&body["allowed"], &body["limit"], &body["remaining"]), (&json!(false), &json!(10), &json!(0)));
    Ok(())
}

/// A sandbox that never refused the key finds the ban where it looks for units.
#[tokio::test]
async fn a_ban_holds_in_every_sandbox() -> anyhow::Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    let alice = Some(("alice", "limits:check policies:write", "pro"));
    let ban = json!({"denials": 2, "within_seconds": 60, "seconds": 600});
    let limit = json!({"quota": 1, "per_seconds": 1});
    let policy = json!({"ban": ban, "dimensions": [{"name": "ip", "limit": limit}]});
    world.http("PUT", "/policies/login", &[], Some(&policy), alice).await?;
    let check = json!({"policy": "login", "keys": {"ip": "i1"}});
    for _ in 0..3 {
        world.http("POST", "/check", &[], Some(&check), alice).await?;
    }
    world.clock.advance(std::time::Duration::from_secs(30));
    let other = world.killable("other")?.http("POST", "/check", &[], Some(&check), alice).await?.body();
    assert_eq!((&other["allowed"], &other["reason"]), (&json!(false), &json!("banned")), "{other}");
    Ok(())
}
