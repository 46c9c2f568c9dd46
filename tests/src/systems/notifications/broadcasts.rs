//! A notification to everybody whom a file names.

use anyhow::{Context as _, Result, ensure};
use notifications::App;
use serde_json::{Value, json};
use testkit::{Delivery, Fault, Faults, Run, World, upload};

use super::fan_out::{children, expand};
use super::{WORLDS, check};

const SCOPES: &str = "broadcasts:send notifications:send notifications:read users:read";
const CALLER: Option<(&str, &str, &str)> = Some(("alice", SCOPES, "enterprise"));

#[test]
fn everybody_whom_the_file_names_is_told_once_and_what_names_nobody_is_counted() {
    check(
        "alice POST /audiences {bytes: 15}  200 {audience_id: $file, upload_url: $url}
         upload $url ada bob ada cyd
         alice POST /broadcasts {audience_id: $file, type: news, title: a, body: b} [Idempotency-Key: k]  202 {notification_id: $all}
         alice POST /broadcasts {audience_id: $file, type: news, title: a, body: b} [Idempotency-Key: k]  202 {notification_id: $all}
         alice POST /broadcasts {audience_id: $file, type: news, title: a, body: c} [Idempotency-Key: k]  422 idempotency-key-reused
         alice GET  /notifications/$all  200 {state: expanding, audience_id: $file, progress: 0.0, expanded: 0, recipients: 0}
         bob   GET  /notifications/$all  404 notification-not-found
         stream forward_rest twice
         queue expand_fan_out twice
         alice GET  /notifications/$all  200 {state: expanded, progress: 1.0, expanded: 4, refused: 0}
         stream forward_rest
         queue deliver
         alice GET  /users/ada/inbox/count  200 {unread: 1}
         alice GET  /users/cyd/inbox/count  200 {unread: 1}
         alice DELETE /notifications/$all  409 notification-sent
         alice POST /notifications/$all/pause  409 notification-sent",
    );
}

#[test]
fn it_is_paused_and_goes_on_where_it_was() {
    check(
        "alice POST /audiences {bytes: 7}  200 {audience_id: $file, upload_url: $url}
         upload $url ada bob
         alice POST /broadcasts {audience_id: $file, type: news, title: a, body: b, priority: high}  202 {notification_id: $all}
         bob   POST /notifications/$all/pause   404 notification-not-found
         alice POST /notifications/$all/pause   200 {state: paused, progress: 0.0}
         alice POST /notifications/$all/pause   200 {state: paused}
         stream forward_urgent twice
         queue expand_fan_out twice
         alice GET  /notifications/$all  200 {state: paused, expanded: 0}
         bob   POST /notifications/$all/resume  404 notification-not-found
         alice POST /notifications/$all/resume  200 {state: expanding}
         alice POST /notifications/$all/resume  200 {state: expanding}
         stream forward_urgent twice
         queue expand_fan_out twice
         alice GET  /notifications/$all  200 {state: expanded, expanded: 2}
         alice POST /notifications/$all/resume  200 {state: expanded}
         alice POST /broadcasts {audience_id: $file, type: news, title: a, body: b}  202 {notification_id: $next}
         alice POST /notifications/$next/pause  200 {state: paused}
         alice DELETE /notifications/$next  204
         alice POST /notifications/$next/resume  409 notification-sent
         alice POST /notifications {user_id: ada, type: news, title: a, body: b}  202 {notification_id: $one}
         alice POST /notifications/$one/pause   409 notification-to-one
         alice POST /notifications/$one/resume  409 notification-to-one
         alice POST /notifications/none/pause   404 notification-not-found
         alice POST /notifications/none/resume  404 notification-not-found",
    );
}

#[test]
fn what_is_paused_when_its_time_comes_goes_on_when_it_is_resumed() {
    check(
        "alice POST /audiences {bytes: 3}  200 {audience_id: $file, upload_url: $url}
         upload $url ada
         alice POST /broadcasts {audience_id: $file, type: news, title: a, body: b, send_at: '2027-01-15T09:00:00Z'}  202 {notification_id: $one}
         alice POST /broadcasts {audience_id: $file, type: news, title: a, body: b, send_at: '2027-01-15T09:00:00Z'}  202 {notification_id: $two}
         alice GET  /notifications/$one  200 {state: waiting}
         alice POST /notifications/$one/pause   200 {state: paused}
         alice POST /notifications/$two/pause   200 {state: paused}
         alice POST /notifications/$two/resume  200 {state: waiting}
         clock +1h
         schedule sweep_due
         queue expand_fan_out 3
         stream forward_rest
         queue expand_fan_out twice
         alice GET  /notifications/$one  200 {state: paused}
         alice GET  /notifications/$two  200 {state: expanded, expanded: 1}
         alice POST /notifications/$one/resume  200 {state: expanding}
         stream forward_rest
         queue expand_fan_out
         alice GET  /notifications/$one  200 {state: expanded, expanded: 1}",
    );
}

#[test]
fn a_file_that_is_none_is_refused_before_anybody_is_told() {
    check(
        "alice POST /audiences {bytes: 0}  422 audience-invalid
         alice POST /audiences {bytes: 2147483649}  422 audience-invalid
         alice POST /broadcasts {audience_id: nothing, type: news, title: a, body: b}  404 audience-not-found
         alice POST /broadcasts {audience_id: ../x, type: news, title: a, body: b}  404 audience-not-found
         alice POST /broadcasts {user_id: ada, type: news, title: a, body: b}  422 recipients-invalid
         alice POST /broadcasts {topic: news, audience_id: x, type: news, title: a, body: b}  422 recipients-invalid
         alice POST /audiences {bytes: 14}  200 {audience_id: $table, upload_url: $url}
         alice POST /broadcasts {audience_id: $table, type: news, title: a, body: b}  404 audience-not-found
         upload $url name,age ada,3
         alice POST /broadcasts {audience_id: $table, type: news, title: a, body: b}  422 audience-invalid
         alice POST /audiences {bytes: 3}  200 {audience_id: $file, upload_url: $good}
         upload $good ada
         bob   POST /broadcasts {audience_id: $file, type: news, title: a, body: b}  404 audience-not-found
         alice POST /notifications {audience_id: $file, type: news, title: a, body: b}  422 recipients-invalid
         alice POST /notifications/batch {notifications: [{audience_id: $file, type: news, title: a, body: b}]}  200 {results: [{status: 422}]}
         alice POST /broadcasts {audience_id: $file, type: News!, title: a, body: b}  422 type-invalid
         alice POST /broadcasts {audience_id: $file, type: news, title: a}  422 content-invalid
         alice POST /broadcasts {audience_id: $file, type: news, template: none}  404 template-not-found",
    );
}

async fn put(world: &World<App>, file: &str, text: &str) -> Result<()> {
    let body = text.as_bytes().to_vec().into();
    let put = world.sdk().s3().put_object().bucket(world.env("AUDIENCES_BUCKET"));
    put.key(format!("audiences/alice/{file}")).body(body).send().await?;
    Ok(())
}

async fn broadcast(world: &mut World<App>, file: &str) -> Result<String> {
    let body = json!({"audience_id": file, "type": "news", "title": "Hello", "body": "there"});
    let answer = world.http("POST", "/broadcasts", &[], Some(&body), CALLER).await?;
    let body: Value = serde_json::from_str(answer["body"].as_str().context("a body")?)?;
    body["notification_id"].as_str().map(str::to_owned).with_context(|| answer.to_string())
}

async fn shown(world: &mut World<App>, id: &str) -> Result<Value> {
    let answer = world.http("GET", &format!("/notifications/{id}"), &[], None, CALLER).await?;
    Ok(serde_json::from_str(answer["body"].as_str().context("a body")?)?)
}

#[tokio::test]
async fn a_file_that_names_nobody_is_refused_and_a_url_takes_the_length_that_was_said_alone() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    for (file, text) in [("empty", ""), ("blank", "\n \r\n\n")] {
        put(&world, file, text).await?;
        let body = json!({"audience_id": file, "type": "news", "title": "Hello", "body": "there"});
        let answer = world.http("POST", "/broadcasts", &[], Some(&body), CALLER).await?;
        ensure!(answer["statusCode"] == 422 && answer.to_string().contains("audience-invalid"), "{answer}");
    }
    let answer = world.http("POST", "/audiences", &[], Some(&json!({"bytes": 3})), CALLER).await?;
    let answer: Value = serde_json::from_str(answer["body"].as_str().context("a body")?)?;
    let url = answer["upload_url"].as_str().context("a URL")?;
    assert_eq!((upload(url, "ada\nbob")?, upload(url, "ada")?), (403, 200));
    Ok(())
}

#[tokio::test]
async fn a_file_that_changes_or_goes_ends_the_broadcast_and_says_so() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    put(&world, "one", "ada\n").await?;
    put(&world, "two", "bob\n").await?;
    let (one, two) = (broadcast(&mut world, "one").await?, broadcast(&mut world, "two").await?);
    put(&world, "one", "eve\n").await?;
    let delete = world.sdk().s3().delete_object().bucket(world.env("AUDIENCES_BUCKET")).key("audiences/alice/two");
    delete.send().await?;
    expand(&mut world, Delivery::TwiceShuffled(3)).await?;
    for (id, reason) in [(&one, "audience-changed"), (&two, "audience-deleted")] {
        let shown = shown(&mut world, id).await?;
        assert_eq!((&shown["state"], &shown["reason"]), (&json!("failed"), &json!(reason)), "{shown}");
        assert_eq!(children(&mut world, id).await?.len(), 0);
        let answer = world.http("POST", &format!("/notifications/{id}/resume"), &[], None, CALLER).await?;
        assert_eq!(answer["statusCode"], 409);
    }
    Ok(())
}

/// Names, then lines that name nobody, then names again: two shards, and pages that begin in the middle of a line.
fn long_file() -> (String, usize, usize) {
    let mut lines: Vec<String> = (0..130).map(|n| format!("first-{n}")).collect();
    lines.extend((0..400).map(|n| "x".repeat(500 + n)));
    lines.push("y".repeat(40_000));
    lines.extend((0..70).map(|n| format!("last-{n}")));
    let (good, bad) = (200, 401);
    (lines.join("\r\n"), good, bad)
}

/// Workers die before and after each kind of call, pages come twice and in any order, and it is paused and resumed
/// meanwhile.
#[tokio::test]
async fn workers_that_die_and_pauses_lose_nobody_and_tell_nobody_twice() -> Result<()> {
    let faults = Faults::seeded(11).with(Fault::KilledAfter, 0.01).with(Fault::KilledBefore, 0.01);
    let mut world = WORLDS.make_with(&[], Some(faults)).await?;
    let (mut dying, mut calm) = (world.killable("one")?, world.undisturbed()?);
    let (text, good, bad) = long_file();
    ensure!(text.len() > 256 * 1024 && text.len() < 512 * 1024, "two shards: {}", text.len());
    put(&world, "file", &text).await?;
    let body = json!({"audience_id": "file", "type": "news", "title": "Hello", "body": "there"});
    let id = calm.http("POST", "/broadcasts", &[], Some(&body), CALLER).await?.body()["notification_id"].clone();
    let id = id.as_str().context("an id")?.to_owned();
    let (mut seen, mut messages, mut deaths) = (0, Vec::new(), 0);
    for round in 0..600 {
        if round % 7 < 2 {
            let what = if round % 7 == 0 { "pause" } else { "resume" };
            let path = format!("/notifications/{id}/{what}");
            let answer = calm.http("POST", &path, &[], None, CALLER).await?;
            ensure!([200, 409].contains(&answer.status()), "{answer:?}");
        }
        let changes = world.changes().await?.to_vec();
        match dying.invoke("forward_rest", &json!({ "Records": changes[seen..] })).await? {
            Run::Answered(Ok(_), _) => seen = changes.len(),
            Run::Answered(Err(_), _) | Run::Killed => deaths += 1,
        }
        messages.extend(world.messages("expand_fan_out").await?);
        let mut left = Vec::new();
        for (place, message) in messages.into_iter().rev().enumerate() {
            match dying.invoke("expand_fan_out", &json!({ "Records": [message] })).await? {
                // One in five is delivered once more though it was done.
                Run::Answered(Ok(answer), _) if answer["batchItemFailures"] == json!([]) && place % 5 > 0 => {}
                Run::Answered(Ok(_), _) if round > 300 => {}
                _ => left.push(message),
            }
        }
        deaths += left.len();
        messages = left;
        let now = calm.http("GET", &format!("/notifications/{id}"), &[], None, CALLER).await?.body();
        if now["state"] == "expanded" {
            ensure!(deaths > 3, "{deaths} deaths are no proof");
            let made = children(&mut world, &id).await?;
            assert_eq!((made.len(), made.values().all(|&times| times == 1)), (good, true), "{made:?}");
            let counted = (now["expanded"].as_u64(), now["refused"].as_u64(), now["progress"].as_f64());
            assert_eq!(counted, (Some(good as u64), Some(bad as u64), Some(1.0)), "{now}");
            return Ok(());
        }
    }
    anyhow::bail!("it does not end")
}
