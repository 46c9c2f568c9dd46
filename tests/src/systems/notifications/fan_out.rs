//! One notification to many: each has one of their own, once, whatever becomes of the workers.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use notifications::App;
use serde_json::{Value, json};
use testkit::{Delivery, Fault, Faults, Run, Sandbox, World};

use super::{WORLDS, check};

pub(super) const SCOPES: &str =
    "notifications:send notifications:read users:write users:read templates:write templates:read";

pub(super) async fn call(world: &mut World<App>, method: &str, path: &str, body: Value) -> Result<Value> {
    let body = (!body.is_null()).then_some(&body);
    let answer = world.http(method, path, &[], body, Some(("alice", SCOPES, "enterprise"))).await?;
    let status = answer["statusCode"].as_u64().unwrap_or_default();
    ensure!(status < 300, "{method} {path}: {answer}");
    Ok(answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default())
}

pub(super) async fn send(world: &mut World<App>, notification: Value) -> Result<String> {
    let mut whole = json!({"type": "news", "title": "Hello", "body": "there"});
    whole.as_object_mut().context("an object")?.extend(notification.as_object().cloned().unwrap_or_default());
    let sent = call(world, "POST", "/notifications", whole).await?;
    sent["notification_id"].as_str().map(str::to_owned).context("an id")
}

/// The table's changes and the pages of fan-outs come to their workers until there are none left.
pub(super) async fn expand(world: &mut World<App>, delivery: Delivery) -> Result<()> {
    for _ in 0..100 {
        for stream in ["forward_urgent", "forward_rest"] {
            world.stream(stream, delivery).await?;
        }
        if world.drain("expand_fan_out", delivery).await? == 0 {
            return Ok(());
        }
    }
    anyhow::bail!("it does not end")
}

/// How many notifications of their own the users of a fan-out were given, as the table's stream tells: none twice.
pub(super) async fn children(world: &mut World<App>, fan_out: &str) -> Result<BTreeMap<String, usize>> {
    let mut found = BTreeMap::new();
    for change in world.changes().await? {
        let image = &change["dynamodb"]["NewImage"];
        let is_child = image["id"]["S"].as_str().is_some_and(|id| id.starts_with(&format!("{fan_out}-")));
        if change["dynamodb"]["Keys"]["sk"]["S"] == "NOTIFICATION" && change["eventName"] == "INSERT" && is_child {
            *found.entry(image["user"]["S"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    Ok(found)
}

#[test]
fn it_is_to_one_to_some_or_to_a_topic_and_to_nothing_else() {
    check(
        "alice POST /notifications {type: news, title: a, body: b}  422 recipients-invalid
         alice POST /notifications {user_id: ada, recipients: [bob], type: news, title: a, body: b}  422 recipients-invalid
         alice POST /notifications {recipients: [bob], topic: news, type: news, title: a, body: b}  422 recipients-invalid
         alice POST /notifications {recipients: [], type: news, title: a, body: b}  422 recipients-invalid
         alice POST /notifications {recipients: [ada, ada], type: news, title: a, body: b}  422 recipients-invalid
         alice POST /notifications {recipients: [ada, 'b#c'], type: news, title: a, body: b}  422 user-invalid
         alice POST /notifications {topic: 'a#b', type: news, title: a, body: b}  422 topic-invalid
         alice POST /notifications {recipients: [ada], type: News!, title: a, body: b}  422 type-invalid
         alice POST /notifications {recipients: [ada], type: news, title: a}  422 content-invalid
         alice POST /notifications {recipients: [ada], type: news, title: ' ', body: b}  422 content-invalid
         alice POST /notifications {recipients: [ada], type: news, template: nothing}  404 template-not-found
         alice POST /notifications {recipients: [ada], type: news, title: a, body: b, channels: [sms, sms]}  422 channels-invalid
         alice POST /notifications {recipients: [ada], type: news, title: a, body: b, send_at: '2099-01-01T00:00:00Z'}  422 time-invalid",
    );
}

#[test]
fn each_recipient_has_a_notification_of_their_own_and_a_repetition_is_the_same() {
    check(
        "alice POST /notifications {recipients: [ada, bob], type: news, title: a, body: b} [Idempotency-Key: k]  202 {notification_id: $many}
         alice POST /notifications {recipients: [ada, bob], type: news, title: a, body: b} [Idempotency-Key: k]  202 {notification_id: $many}
         alice POST /notifications {recipients: [ada, cyd], type: news, title: a, body: b} [Idempotency-Key: k]  422 idempotency-key-reused
         alice GET  /notifications/$many  200 {notification_id: $many, state: expanding, recipients: 2, expanded: 0, refused: 0, title: a}
         bob   GET  /notifications/$many  404 notification-not-found
         bob   DELETE /notifications/$many  404 notification-not-found
         stream forward_urgent
         stream forward_rest twice
         queue expand_fan_out twice
         alice GET  /notifications/$many  200 {state: expanded, recipients: 2, expanded: 2, refused: 0}
         stream forward_urgent twice
         stream forward_rest twice
         queue expand_fan_out 0
         queue deliver twice
         alice GET  /users/ada/inbox/count  200 {unread: 1}
         alice GET  /users/bob/inbox/count  200 {unread: 1}
         bob   GET  /users/ada/inbox/count  200 {unread: 0}
         alice DELETE /notifications/$many  409 notification-sent",
    );
}

#[test]
fn it_is_expanded_when_its_time_comes_and_can_be_taken_back_before() {
    check(
        "alice POST /notifications {recipients: [ada], type: news, title: a, body: b, send_at: '2027-01-15T09:00:00Z'}  202 {notification_id: $one}
         alice POST /notifications {recipients: [ada], type: news, title: a, body: b, send_at: '2027-01-15T09:00:00Z'}  202 {notification_id: $two}
         stream forward_rest
         schedule sweep_due
         queue expand_fan_out 0
         alice GET    /notifications/$one  200 {state: waiting, expanded: 0}
         alice DELETE /notifications/$one  204
         alice DELETE /notifications/$one  204
         clock +1h
         schedule sweep_due
         queue expand_fan_out twice
         stream forward_rest twice
         queue expand_fan_out twice
         alice GET    /notifications/$one  200 {state: canceled, expanded: 0}
         alice GET    /notifications/$two  200 {state: expanded, expanded: 1}
         stream forward_rest
         queue deliver
         alice GET    /users/ada/inbox/count  200 {unread: 1}",
    );
}

#[test]
fn each_is_told_in_their_language_and_who_cannot_be_told_is_counted() {
    check(
        "alice PUT  /templates/hi {default_locale: en, locales: {en: {title: 'Hello {{ name }}', body: b}, de: {title: 'Hallo {{ name }}', body: '{{ amount | round }}'}}}  201
         alice PUT  /users/bob/preferences {locale: de}  200
         alice POST /notifications {recipients: [ada], type: news, template: hi, payload: {name: you}}  422 variables-missing
         alice POST /notifications {recipients: [ada, bob], type: news, template: hi, payload: {name: you, amount: much}}  202 {notification_id: $one}
         alice POST /notifications {recipients: [ada, bob], type: news, template: hi, payload: {name: you, amount: 1.2}}  202 {notification_id: $two}
         alice PUT  /templates/hi {default_locale: en, locales: {en: {title: 'Changed {{ other }}', body: b}}}  200
         stream forward_rest
         queue expand_fan_out 2
         alice GET  /notifications/$one  200 {state: expanded, expanded: 1, refused: 1, template: hi, template_version: 1}
         alice GET  /notifications/$two  200 {state: expanded, expanded: 2, refused: 0}
         stream forward_rest
         queue deliver
         alice GET  /users/ada/inbox/count  200 {unread: 2}
         alice GET  /users/bob/inbox/count  200 {unread: 1}",
    );
}

#[tokio::test]
async fn a_hundred_recipients_are_expanded_in_any_order_and_twice_and_have_one_each() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    let users: Vec<String> = (0..100).map(|n| format!("user-{n}")).collect();
    let id = send(&mut world, json!({"recipients": users, "priority": "high"})).await?;
    expand(&mut world, Delivery::TwiceShuffled(7)).await?;
    let made = children(&mut world, &id).await?;
    assert_eq!((made.len(), made.values().all(|&times| times == 1)), (100, true), "{made:?}");
    let shown = call(&mut world, "GET", &format!("/notifications/{id}"), Value::Null).await?;
    assert_eq!((&shown["state"], &shown["expanded"]), (&json!("expanded"), &json!(100)));
    Ok(())
}

async fn post(sandbox: &mut Sandbox<App>, body: &Value, key: &str) -> Result<Run> {
    let headers = [("Idempotency-Key".to_owned(), key.to_owned())];
    sandbox.http("POST", "/notifications", &headers, Some(body), Some(("alice", SCOPES, "enterprise"))).await
}

/// Workers die before and after each kind of call. What they leave comes again, as a queue and a stream do it.
#[tokio::test]
async fn workers_that_die_half_way_lose_nothing_and_make_nothing_twice() -> Result<()> {
    let faults = Faults::seeded(5).with(Fault::KilledAfter, 0.02).with(Fault::KilledBefore, 0.02);
    let mut world = WORLDS.make_with(&[], Some(faults)).await?;
    let (mut dying, mut calm) = (world.killable("one")?, world.undisturbed()?);
    let users: Vec<String> = (0..60).map(|n| format!("user-{n}")).collect();
    let body = json!({"recipients": users, "type": "news", "title": "Hello", "body": "there", "collapse_key": "k"});
    let mut id = String::new();
    for _ in 0..50 {
        if let Run::Answered(Ok(_), _) = &post(&mut dying, &body, "k").await? {
            break;
        }
    }
    for _ in 0..2 {
        let again = post(&mut calm, &body, "k").await?;
        let answer = again.body()["notification_id"].as_str().unwrap_or_default().to_owned();
        ensure!(again.status() == 202 && (id.is_empty() || id == answer), "{again:?}");
        id = answer;
    }
    let (mut seen, mut messages, mut deaths) = (0, Vec::new(), 0);
    for round in 0..400 {
        let changes = world.changes().await?.to_vec();
        match dying.invoke("forward_rest", &json!({ "Records": changes[seen..] })).await? {
            Run::Answered(Ok(_), _) => seen = changes.len(),
            Run::Answered(Err(_), _) | Run::Killed => deaths += 1,
        }
        messages.extend(world.messages("expand_fan_out").await?);
        let mut left = Vec::new();
        for message in messages {
            match dying.invoke("expand_fan_out", &json!({ "Records": [message] })).await? {
                Run::Answered(Ok(answer), _) if answer["batchItemFailures"] == json!([]) => {}
                _ => left.push(message),
            }
        }
        deaths += left.len();
        messages = left;
        if messages.is_empty() && world.changes().await?.len() == seen {
            ensure!(round > 0 && deaths > 3, "{deaths} deaths are no proof");
            let made = children(&mut world, &id).await?;
            assert_eq!((made.len(), made.values().all(|&times| times == 1)), (60, true), "{made:?}");
            let path = format!("/notifications/{id}");
            let shown = calm.http("GET", &path, &[], None, Some(("alice", SCOPES, "enterprise"))).await?.body();
            assert_eq!((&shown["state"], &shown["expanded"]), (&json!("expanded"), &json!(60)));
            return Ok(());
        }
    }
    anyhow::bail!("it does not end")
}
