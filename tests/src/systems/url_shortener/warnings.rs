//! What owners are told of their links, through `notifications`.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testkit::{Delivery, Fault, Faults, World};
use url_shortener::App;

use super::{WORLDS, check};

const ALICE: Option<(&str, &str, &str)> = Some(("alice", "links:read links:write", "pro"));
const HOUR: Duration = Duration::from_secs(3600);

/// A world whose events can be looked at.
async fn seen_world() -> Result<World<App>> {
    WORLDS.make_with(&[], Some(Faults::seeded(1))).await
}

async fn call(world: &mut World<App>, method: &str, path: &str, body: Value) -> Result<()> {
    let answer = world.http(method, path, &[], Some(&body), ALICE).await?;
    ensure!(answer["statusCode"].as_u64().is_some_and(|status| status < 400), "{method} {path}: {answer}");
    Ok(())
}

/// The sweep runs, and what changed is told, all of it twice.
async fn work(world: &mut World<App>) -> Result<()> {
    world.invoke("sweep_expired", &json!({})).await?;
    world.stream("publish_changes", Delivery::TwiceShuffled(1)).await.map(drop)
}

/// The requests so far, each by its type and id, once.
fn asked(world: &World<App>) -> Result<Vec<(String, String)>> {
    let mut asked = Vec::new();
    for entry in world.published().iter().filter(|entry| entry["DetailType"] == "NotificationRequested") {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap_or_default())?;
        ensure!(detail["tenant"] == "alice" && detail["user_id"] == "account", "{detail}");
        let text = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
        asked.push((text("type"), text("id")));
    }
    asked.sort();
    asked.dedup();
    Ok(asked)
}

#[test]
fn a_warning_costs_one_write_and_is_one_change() {
    check(
        "alice  POST /links {code: cat, url: https://a.example, ttl_seconds: 90000}  201
         alice  POST /links {code: dog, url: https://a.example, ttl_seconds: 86400}  201
         schedule sweep_expired
         stream publish_changes
         clock  +30m
         schedule sweep_expired
         stream publish_changes
         clock  +31m
         schedule sweep_expired
         # how far the sweep came, two hours of eight shards, and the warning
         calls 18
         stream publish_changes 1
         calls 1
         schedule sweep_expired
         calls 17
         stream publish_changes 0
         alice  GET  /links/cat  200 {state: active}
         anon   GET  /cat        302
         clock  +24h
         schedule sweep_expired
         stream publish_changes
         calls 1
         alice  GET  /links/cat  200 {state: expired}",
    );
}

#[tokio::test]
async fn an_owner_is_told_of_each_end_once_and_of_none_that_was_near() -> Result<()> {
    let mut world = seen_world().await?;
    for (code, hours) in [("cat", 25), ("dog", 24), ("eel", 25), ("fox", 25)] {
        let link = json!({"code": code, "url": "https://a.example", "ttl_seconds": hours * 3600});
        call(&mut world, "POST", "/links", link).await?;
    }
    call(&mut world, "DELETE", "/links/eel", Value::Null).await?;
    call(&mut world, "PATCH", "/links/fox", json!({"expires_at": null})).await?;
    work(&mut world).await?;
    assert_eq!(asked(&world)?, []);
    world.clock.advance(HOUR);
    work(&mut world).await?;
    work(&mut world).await?;
    let first = ("link_expiring".to_owned(), "cat-1800000000000-expiring-1800090000000".to_owned());
    assert_eq!(asked(&world)?, std::slice::from_ref(&first));
    // An end that is set anew is told anew, one within a day is not, however often the same is set.
    call(&mut world, "PATCH", "/links/cat", json!({"ttl_seconds": 26 * 3600})).await?;
    call(&mut world, "PATCH", "/links/dog", json!({"ttl_seconds": 23 * 3600})).await?;
    call(&mut world, "PATCH", "/links/dog", json!({"ttl_seconds": 23 * 3600})).await?;
    work(&mut world).await?;
    world.clock.advance(2 * HOUR);
    work(&mut world).await?;
    assert_eq!(
        asked(&world)?,
        [first, ("link_expiring".to_owned(), "cat-1800000000000-expiring-1800097200000".to_owned())]
    );
    Ok(())
}

/// The sweep stood still for longer than a day: too late to warn, and still in time to say that it expired.
#[tokio::test]
async fn a_warning_that_comes_after_the_end_is_left_out() -> Result<()> {
    let mut world = seen_world().await?;
    let link = json!({"code": "cat", "url": "https://a.example", "ttl_seconds": 25 * 3600});
    call(&mut world, "POST", "/links", link).await?;
    work(&mut world).await?;
    world.clock.advance(26 * HOUR);
    work(&mut world).await?;
    assert_eq!(asked(&world)?, []);
    assert!(world.published().iter().any(|entry| entry["DetailType"] == "LinkExpired"));
    Ok(())
}

#[tokio::test]
async fn an_owner_is_told_of_a_limit_each_time_that_it_is_reached() -> Result<()> {
    let mut world = seen_world().await?;
    let link = json!({"code": "cat", "url": "https://a.example", "max_clicks": 1});
    call(&mut world, "POST", "/links", link).await?;
    for most in [2, 1, 3] {
        call(&mut world, "GET", "/cat", Value::Null).await?;
        work(&mut world).await?;
        call(&mut world, "PATCH", "/links/cat", json!({"max_clicks": most})).await?;
        work(&mut world).await?;
        world.clock.advance(Duration::from_secs(60));
        if most == 1 {
            call(&mut world, "PATCH", "/links/cat", json!({"max_clicks": 3})).await?;
        }
    }
    let ids: Vec<String> = asked(&world)?.into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, [1, 2, 3].map(|used| format!("cat-1800000000000-used-up-{used}")));
    Ok(())
}

/// A claim that waited in the queue past its warning still ends in time.
#[tokio::test]
async fn a_queued_claim_whose_warning_is_past_is_not_warned_of_and_expires() -> Result<()> {
    let faults = Faults::seeded(1).with(Fault::Throttled, 1.0).only("DynamoDB");
    let world = WORLDS.make_with(&[], Some(faults)).await?;
    let (mut disturbed, mut calm) = (world.killable("one")?, world.undisturbed()?);
    let link = json!({"code": "cat", "url": "https://a.example", "ttl_seconds": 25 * 3600});
    assert_eq!(disturbed.http("POST", "/links", &[], Some(&link), ALICE).await?.status(), 202);
    calm.invoke("sweep_expired", &json!({})).await?;
    world.clock.advance(3 * HOUR);
    calm.invoke("sweep_expired", &json!({})).await?;
    let event = json!({"Records": world.messages("claim_queued").await?});
    calm.invoke("claim_queued", &event).await?;
    let run = calm.invoke("sweep_expired", &json!({})).await?;
    assert_eq!((run.count("links_warned"), run.count("links_swept")), (0.0, 0.0), "{run:?}");
    world.clock.advance(22 * HOUR);
    let run = calm.invoke("sweep_expired", &json!({})).await?;
    assert_eq!((run.count("links_warned"), run.count("links_swept")), (0.0, 1.0), "{run:?}");
    Ok(())
}
