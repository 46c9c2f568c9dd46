//! Each notification is in exactly one digest, whatever fails.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use notifications::App;
use serde_json::{Value, json};
use testkit::{Fault, Faults, Run, Sandbox, World};
use types::Instant;

use super::super::WORLDS;
use super::super::delivery::ALLOWED;

/// Everything that waits in the table's stream, perhaps again.
async fn forward(world: &mut World<App>, calm: &mut Sandbox<App>) -> Result<()> {
    let records = json!({"Records": world.changes().await?});
    calm.invoke("forward_rest", &records).await.map(drop)
}

/// The messages that wait for the times of digests, by time.
async fn wakes(world: &mut World<App>) -> Result<Vec<(i64, String)>> {
    let mut wakes = Vec::new();
    for change in world.changes().await? {
        let item = &change["dynamodb"]["NewImage"];
        let is_due =
            item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("DUE#")) && change["eventName"] == "INSERT";
        let message = item["message"]["S"].as_str().unwrap_or_default();
        if is_due && message.contains("until") {
            wakes.push((item["due_at"]["N"].as_str().unwrap_or_default().parse()?, message.to_owned()));
        }
    }
    wakes.sort();
    Ok(wakes)
}

/// What comes again of a batch that one worker got: all where it died.
async fn share(worker: &mut Sandbox<App>, batch: &[Value]) -> Result<Vec<Value>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let run = worker.invoke("deliver", &json!({"Records": batch})).await?;
    let Run::Answered(Ok(answer), _) = &run else { return Ok(batch.to_vec()) };
    let failed = answer["batchItemFailures"].to_string();
    let again = |message: &&Value| message["messageId"].as_str().is_some_and(|id| failed.contains(id));
    Ok(batch.iter().filter(again).cloned().collect())
}

/// Workers that die, at once, with what waits in another order; some of it comes again though it was done.
async fn toil(
    world: &World<App>,
    workers: &mut [Sandbox<App>; 3],
    dice: &mut fastrand::Rng,
    digests: &[String],
) -> Result<()> {
    let mut messages = world.messages("deliver").await?;
    for (number, digest) in digests.iter().enumerate() {
        messages.push(json!({
            "messageId": format!("digest-{number}"), "body": digest, "attributes": {"ApproximateReceiveCount": "1"},
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:x-notifications-deliveries-normal",
        }));
    }
    for _ in 0..60 {
        dice.shuffle(&mut messages);
        let shares: Vec<&[Value]> = messages.chunks(4).collect();
        let mut left = Vec::new();
        for shares in shares.chunks(3) {
            let of = |number: usize| shares.get(number).copied().unwrap_or_default();
            let [one, two, three] = &mut *workers;
            let (one, two, three) = tokio::try_join!(share(one, of(0)), share(two, of(1)), share(three, of(2)))?;
            left.extend([one, two, three].concat());
        }
        if left.is_empty() {
            return Ok(());
        }
        left.extend(messages.iter().filter(|_| dice.u8(..10) == 0).cloned());
        messages = left;
        // What a dead worker leased is free after its lease.
        world.clock.advance(Duration::from_secs(31));
    }
    anyhow::bail!("{} messages always come again", messages.len())
}

/// The invariant: a notification that was collected is in one digest, and in no other.
async fn each_is_in_one_digest(seed: u64) -> Result<()> {
    let faults = Faults::seeded(seed).with(Fault::KilledBefore, 0.02).with(Fault::KilledAfter, 0.04);
    let faults = faults.with(Fault::Conflict, 0.1).with(Fault::AnswerLost, 0.05).only("DynamoDB");
    let mut world = WORLDS.make_with(&ALLOWED, Some(faults)).await?;
    let (mut calm, mut dice) = (world.undisturbed()?, fastrand::Rng::with_seed(seed));
    let mut workers = [world.killable("one")?, world.killable("two")?, world.killable("three")?];
    let scopes = "notifications:send notifications:read users:write users:read templates:write templates:read";
    let alice = Some(("alice", scopes, "pro"));
    let content = json!({"title": "{{ count }}", "body": "{% for item in items %}[{{ item.title }}]{% endfor %}"});
    for (method, path, body) in [
        ("POST", "/users/ada/addresses", json!({"channel": "email", "email": "ada@example.com", "verified": true})),
        ("POST", "/users/ada/addresses", json!({"channel": "email", "email": "ada@example.org", "verified": true})),
        (
            "PUT",
            "/users/ada/preferences",
            json!({"digest": {"every": "daily", "at": "10:00"}, "time_zone": "Europe/Berlin"}),
        ),
        ("PUT", "/templates/digest", json!({"default_locale": "en", "locales": {"en": content}})),
    ] {
        ensure!(calm.http(method, path, &[], Some(&body), alice).await?.status() < 300, "{path}");
    }
    let mut ids = BTreeMap::new();
    let mut number = 0;
    let due: Instant = "2027-01-15T09:00:00Z".parse()?;
    // By a clock that is ahead, the digest is told while others are still collecting for it.
    let early = [json!({"v": 1, "tenant": "alice", "user": "ada", "until": due.millis()}).to_string()];
    for until in ["2027-01-15T08:30:00Z", "2027-01-15T09:00:00Z", "2027-01-15T10:00:00Z"] {
        for _ in 0..4 {
            let title = format!("t{number}");
            number += 1;
            let body = json!({"user_id": "ada", "type": "news", "title": title, "body": "b", "channels": ["email"]});
            let sent = calm.http("POST", "/notifications", &[], Some(&body), alice).await?.body();
            ids.insert(title, sent["notification_id"].as_str().context("an id")?.to_owned());
        }
        forward(&mut world, &mut calm).await?;
        let digests = if number > 4 { &early[..] } else { &[] };
        toil(&world, &mut workers, &mut dice, digests).await?;
        let until: Instant = until.parse()?;
        world.clock.advance(world.clock.now().until(until));
    }
    // What wakes them; a sweep over the minutes of days would take too long here. They come twice.
    let wakes = wakes(&mut world).await?;
    for (due_at, wake) in &wakes {
        let due_at = Instant::from_millis(*due_at);
        world.clock.advance(world.clock.now().until(due_at));
        toil(&world, &mut workers, &mut dice, &[wake.clone(), wake.clone()]).await?;
        forward(&mut world, &mut calm).await?;
        toil(&world, &mut workers, &mut dice, &[]).await?;
    }
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let mut digests = BTreeMap::new();
    for id in ids.values() {
        let shown = calm.http("GET", &format!("/notifications/{id}"), &[], None, alice).await?.body();
        assert_eq!(shown["state"], "digested", "{shown}");
        let deliveries = shown["deliveries"].as_array().context("deliveries")?;
        assert_eq!(deliveries[0]["digest_id"], deliveries[1]["digest_id"], "both mailboxes hear it from the same");
        let digest = deliveries[0]["digest_id"].as_str().context("a digest")?.to_owned();
        let shown = calm.http("GET", &format!("/notifications/{digest}"), &[], None, alice).await?.body();
        digests.insert(digest, shown);
    }
    for shown in digests.values() {
        assert_eq!(shown["state"], "delivered", "{shown}");
        for title in shown["body"].as_str().unwrap_or_default().split(['[', ']']).filter(|it| !it.is_empty()) {
            *told.entry(title.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(told, ids.keys().map(|title| (title.clone(), 1)).collect(), "{digests:?}");
    let killed: u64 = workers.iter().map(|worker| worker.tally.killed).sum();
    assert_eq!(wakes.len(), digests.len(), "each digest is woken by one item");
    ensure!(killed > 3 && digests.len() >= 2, "{killed} kills, {} digests", digests.len());
    Ok(())
}

/// A digest is one item that all who collect for it write.
#[tokio::test]
async fn many_that_meet_at_one_digest_come_in_at_once() -> Result<()> {
    let faults = Faults::seeded(1).with(Fault::Conflict, 0.6).only("DynamoDB");
    let mut world = WORLDS.make_with(&ALLOWED, Some(faults)).await?;
    let (mut calm, mut worker) = (world.undisturbed()?, world.killable("one")?);
    let alice = Some(("alice", "notifications:send users:write", "pro"));
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    let wishes = json!({"digest": {"every": "daily", "at": "10:00"}});
    calm.http("POST", "/users/ada/addresses", &[], Some(&mailbox), alice).await?;
    calm.http("PUT", "/users/ada/preferences", &[], Some(&wishes), alice).await?;
    for _ in 0..10 {
        let body = json!({"user_id": "ada", "type": "news", "title": "t", "body": "b", "channels": ["email"]});
        ensure!(calm.http("POST", "/notifications", &[], Some(&body), alice).await?.status() == 202);
    }
    forward(&mut world, &mut calm).await?;
    let batch = world.messages("deliver").await?;
    let again = share(&mut worker, &batch).await?;
    ensure!(batch.len() == 10 && again.is_empty(), "of {} came again {again:?}", batch.len());
    Ok(())
}

#[tokio::test]
async fn each_notification_is_in_one_digest_whoever_dies() -> Result<()> {
    for seed in [1, 2, 3] {
        each_is_in_one_digest(seed).await.with_context(|| format!("seed {seed}"))?;
    }
    Ok(())
}
