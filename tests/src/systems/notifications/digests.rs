//! Digests: what can wait is told at the user's own time, each notification once, whoever dies meanwhile.

mod faults;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notifications::App;
use serde_json::{Value, json};
use testkit::World;

use super::check;
use super::delivery::{call, delivery, seen_world, send, work};

/// It is 08:00 in UTC, so 09:00 in Berlin, where the digest comes at 10:00.
async fn subscribe(world: &mut World<App>, mailboxes: &[&str]) -> Result<()> {
    for email in mailboxes {
        let mailbox = json!({"channel": "email", "email": email, "verified": true});
        call(world, "POST", "/users/ada/addresses", mailbox).await?;
    }
    let wishes = json!({"digest": {"every": "daily", "at": "10:00"}, "time_zone": "Europe/Berlin"});
    call(world, "PUT", "/users/ada/preferences", wishes).await.map(drop)
}

fn mails(world: &World<App>) -> Result<Vec<String>> {
    let raw = |sent: testkit::Sent| {
        let body: Value = serde_json::from_str(&sent.body)?;
        Ok(String::from_utf8(STANDARD.decode(body["Content"]["Raw"]["Data"].as_str().unwrap_or_default())?)?)
    };
    world.sent().into_iter().map(raw).collect()
}

async fn show(world: &mut World<App>, id: &str) -> Result<Value> {
    call(world, "GET", &format!("/notifications/{id}"), Value::Null).await
}

#[tokio::test]
async fn mails_that_can_wait_are_one_at_the_users_time() -> Result<()> {
    let mut world = seen_world().await?;
    subscribe(&mut world, &["ada@example.com", "ada@example.org"]).await?;
    let mut waiting = Vec::new();
    // All at once: each might be the first.
    for title in ["one", "two", "three"] {
        waiting.push(send(&mut world, json!({"channels": ["email", "in_app"], "title": title})).await?);
    }
    let low = send(&mut world, json!({"channels": ["email"], "priority": "low", "title": "four"})).await?;
    let high = send(&mut world, json!({"channels": ["email"], "priority": "high"})).await?;
    let stale = json!({"channels": ["email"], "expires_at": world.clock.now() + Duration::from_secs(1800)});
    let stale = send(&mut world, stale).await?;
    work(&mut world).await?;
    assert_eq!(mails(&world)?.len(), 4, "what is high or would be stale goes to both mailboxes now");
    for id in [&high, &stale] {
        assert_eq!(show(&mut world, id).await?["state"], "delivered");
    }
    let shown = delivery(&mut world, &waiting[0], "email").await?;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("digested"), &json!("in-digest")));
    assert_eq!(delivery(&mut world, &waiting[0], "in_app").await?["state"], "delivered");
    assert_eq!(show(&mut world, &low).await?["state"], "digested");
    let digest = shown["digest_id"].as_str().context("a digest")?.to_owned();
    world.clock.advance(Duration::from_secs(3599));
    work(&mut world).await?;
    assert_eq!(mails(&world)?.len(), 4, "nothing is early");
    world.clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        work(&mut world).await?;
    }
    let mails = mails(&world)?;
    assert_eq!(mails.len(), 6, "one for each mailbox");
    for title in ["one", "two", "three", "four"] {
        ensure!(mails[5].contains(&format!("<h2>{title}</h2>")), "{title} in {}", mails[5]);
    }
    let told = show(&mut world, &digest).await?;
    assert_eq!((&told["state"], &told["type"]), (&json!("delivered"), &json!("digest")));
    assert_eq!(told["title"], "4 notifications");
    // Its link ends digests, and what would be in one is not sent by itself instead.
    let start = mails[5].find("/unsubscribe/").context("a link")?;
    let link: String = mails[5][start..].chars().take_while(|c| *c != '>').filter(|c| !c.is_whitespace()).collect();
    ensure!(world.http("POST", &link, &[], None, None).await?["statusCode"] == 200, "one click");
    let wishes = call(&mut world, "GET", "/users/ada/preferences", Value::Null).await?;
    assert_eq!(wishes["types"]["digest"]["channels"], json!({"email": false}));
    let next = send(&mut world, json!({"channels": ["email"]})).await?;
    work(&mut world).await?;
    let shown = delivery(&mut world, &next, "email").await?;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("skipped"), &json!("opted-out-digest")));
    Ok(())
}

#[tokio::test]
async fn what_was_collected_comes_though_digests_are_off_by_then_but_for_what_is_opted_out() -> Result<()> {
    let mut world = seen_world().await?;
    subscribe(&mut world, &["ada@example.com"]).await?;
    let kept = send(&mut world, json!({"channels": ["email"], "type": "news", "title": "kept"})).await?;
    send(&mut world, json!({"channels": ["email"], "type": "offers", "title": "unwanted"})).await?;
    work(&mut world).await?;
    let wishes = json!({"types": {"offers": {"channels": {"email": false}}}, "locale": "de-AT"});
    call(&mut world, "PUT", "/users/ada/preferences", wishes).await?;
    let now = send(&mut world, json!({"channels": ["email"], "type": "news"})).await?;
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &now, "email").await?["state"], "sent", "digests are off");
    world.clock.advance(Duration::from_secs(3600));
    for _ in 0..2 {
        work(&mut world).await?;
    }
    let digest = delivery(&mut world, &kept, "email").await?["digest_id"].as_str().context("a digest")?.to_owned();
    let told = show(&mut world, &digest).await?;
    assert_eq!(told["title"], "Eine Benachrichtigung", "{told}");
    let mails = mails(&world)?;
    ensure!(mails.len() == 2 && mails[1].contains("kept") && !mails[1].contains("unwanted"), "{mails:?}");
    Ok(())
}

#[test]
fn what_waits_in_a_digest_can_be_taken_back_until_it_is_told() {
    check(
        "alice POST /users/ada/addresses {channel: email, email: ada@example.com, verified: true}  201
         alice PUT  /users/ada/preferences {digest: {every: weekly, at: '09:00', weekday: friday}}  200
         alice PUT  /templates/digest {default_locale: en, locales: {en: {title: '{{ count }} for you', body: '{% for item in items %}[{{ item.type }} {{ item.title }}]{% endfor %}'}}}  201
         alice POST /notifications {user_id: ada, type: news, title: one, body: b, channels: [email]}  202 {notification_id: $one}
         alice POST /notifications {user_id: ada, type: news, title: two, body: b, channels: [email]}  202 {notification_id: $two}
         stream forward_rest twice
         queue deliver twice
         alice GET    /notifications/$one  200 {state: digested}
         alice DELETE /notifications/$one  204
         alice GET    /notifications/$one  200 {state: canceled}
         alice DELETE /notifications/$one  204
         schedule sweep_due
         queue deliver 0
         clock +1h
         schedule sweep_due
         queue deliver twice
         alice DELETE /notifications/$two  409 notification-sent
         alice GET    /notifications/$two  200 {state: digested}
         alice PUT    /users/ada/preferences {digest: {every: daily, at: '08:00', weekday: friday}}  422 preferences-invalid
         alice PUT    /users/ada/preferences {digest: {every: daily, at: '08:00', channels: [sms]}}  422 preferences-invalid
         alice PUT    /users/ada/preferences {digest: {every: daily, at: '8'}}  422 invalid-body",
    );
}
