//! From its queue to its provider: retries, quiet hours, caps, collapsing, fallbacks.

use anyhow::{Context as _, Result, ensure};
use notifications::App;
use serde_json::{Value, json};
use testkit::{Delivery, Faults, Receiver, World};
use types::Instant;
use url::form_urlencoded;

use super::{WORLDS, check};

/// The emulator's account has no name in templates here.
pub(super) const ALLOWED: [(&str, &str); 2] =
    [("ALLOW_PRIVATE_HOSTS", "true"), ("PUSH_APPLICATIONS", "arn:aws:sns:us-east-1:000000000000:app")];

/// Makes a world whose calls to SES and SNS can be looked at.
pub(super) async fn seen_world() -> Result<World<App>> {
    WORLDS.make_with(&ALLOWED, Some(Faults::seeded(1))).await
}

pub(super) async fn call(world: &mut World<App>, method: &str, path: &str, body: Value) -> Result<Value> {
    let scopes = "notifications:send notifications:read users:write users:read templates:write templates:read";
    let body = (!body.is_null()).then_some(&body);
    let answer = world.http(method, path, &[], body, Some(("alice", scopes, "pro"))).await?;
    let status = answer["statusCode"].as_u64().unwrap_or_default();
    ensure!(status < 300, "{method} {path}: {answer}");
    Ok(answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default())
}

/// Everything that is due comes to its worker.
pub(super) async fn work(world: &mut World<App>) -> Result<()> {
    world.invoke("sweep_due", &json!({})).await?;
    for stream in ["forward_urgent", "forward_rest"] {
        world.stream(stream, Delivery::Once).await?;
    }
    world.drain("deliver", Delivery::Once).await.map(drop)
}

pub(super) async fn send(world: &mut World<App>, notification: Value) -> Result<String> {
    let mut whole = json!({"user_id": "ada", "type": "order_shipped", "title": "Shipped", "body": "On its way"});
    whole.as_object_mut().context("an object")?.extend(notification.as_object().cloned().unwrap_or_default());
    let sent = call(world, "POST", "/notifications", whole).await?;
    sent["notification_id"].as_str().map(str::to_owned).context("an id")
}

pub(super) async fn delivery(world: &mut World<App>, id: &str, channel: &str) -> Result<Value> {
    let shown = call(world, "GET", &format!("/notifications/{id}"), Value::Null).await?;
    let deliveries = shown["deliveries"].as_array().context("deliveries")?;
    deliveries.iter().find(|it| it["channel"] == channel).cloned().with_context(|| shown.to_string())
}

pub(super) fn form(body: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(body.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A device of Ada's; answers its endpoint.
pub(super) async fn device(world: &mut World<App>) -> Result<String> {
    let application = format!("{}-notifications", world.env("STAGE"));
    let create = world.sdk().sns().create_platform_application().name(application).platform("GCM");
    let made = create.attributes("PlatformCredential", "x").send().await?;
    let device = json!({"channel": "push", "platform": "fcm", "token": "device-1"});
    call(world, "POST", "/users/ada/addresses", device).await?;
    let application = made.platform_application_arn.context("an application")?;
    let create = world.sdk().sns().create_platform_endpoint().platform_application_arn(application).token("device-1");
    create.send().await?.endpoint_arn.context("the same endpoint again")
}

/// Guide 004 says attempts at once and after 5 min, 30 min, 2 h, and "max 3" beside it: it is four.
#[tokio::test]
async fn four_attempts_and_then_the_reason_stays() -> Result<()> {
    let mut world = seen_world().await?;
    let receiver = Receiver::start(|_| Some(500))?;
    let hook = json!({"channel": "webhook", "url": receiver.url("/hook")});
    call(&mut world, "POST", "/users/ada/addresses", hook).await?;
    let id = send(&mut world, json!({"channels": ["webhook"]})).await?;
    for _ in 0..5 {
        work(&mut world).await?;
        world.clock.advance(std::time::Duration::from_secs(2 * 3600));
    }
    let shown = delivery(&mut world, &id, "webhook").await?;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("failed"), &json!("answered 500")));
    assert_eq!((&shown["attempts"], receiver.received().len()), (&json!(4), 4));
    Ok(())
}

/// Where an operator says so, there are other pauses.
#[tokio::test]
async fn attempts_are_made_as_often_as_the_operator_says() -> Result<()> {
    for (pauses, attempts) in [("none", 1), ("60", 2), ("1,1,1,1,1", 6)] {
        let changes = [("RETRY_SECONDS", pauses), ("ALLOW_PRIVATE_HOSTS", "true")];
        let mut world = WORLDS.make_with(&changes, Some(Faults::seeded(1))).await?;
        let receiver = Receiver::start(|_| Some(500))?;
        let hook = json!({"channel": "webhook", "url": receiver.url("/hook")});
        call(&mut world, "POST", "/users/ada/addresses", hook).await?;
        let id = send(&mut world, json!({"channels": ["webhook"]})).await?;
        for _ in 0..=attempts {
            work(&mut world).await?;
            world.clock.advance(std::time::Duration::from_secs(60));
        }
        let shown = delivery(&mut world, &id, "webhook").await?;
        assert_eq!((&shown["state"], &shown["attempts"]), (&json!("failed"), &json!(attempts)), "{pauses}");
        assert_eq!(receiver.received().len(), attempts, "{pauses}");
    }
    Ok(())
}

/// Guide 003's message carries all channels: one that fails after another has succeeded sends that one again.
#[tokio::test]
async fn a_channel_that_fails_does_not_send_another_again() -> Result<()> {
    let mut world = seen_world().await?;
    let receiver = Receiver::start(|_| Some(500))?;
    for address in [
        json!({"channel": "email", "email": "ada@example.com", "verified": true}),
        json!({"channel": "webhook", "url": receiver.url("/hook")}),
    ] {
        call(&mut world, "POST", "/users/ada/addresses", address).await?;
    }
    let id = send(&mut world, json!({"channels": ["email", "webhook"]})).await?;
    for _ in 0..5 {
        work(&mut world).await?;
        world.clock.advance(std::time::Duration::from_secs(2 * 3600));
    }
    assert_eq!((world.sent().len(), receiver.received().len()), (1, 4));
    let shown = call(&mut world, "GET", &format!("/notifications/{id}"), Value::Null).await?;
    assert_eq!(shown["state"], "partial");
    Ok(())
}

#[tokio::test]
async fn quiet_hours_keep_for_later_and_critical_passes() -> Result<()> {
    let mut world = seen_world().await?;
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    call(&mut world, "POST", "/users/ada/addresses", mailbox).await?;
    // It is 08:00 in UTC, so 09:00 in Berlin.
    let wishes = json!({"quiet_hours": {"start": "22:00", "end": "09:30"}, "time_zone": "Europe/Berlin"});
    call(&mut world, "PUT", "/users/ada/preferences", wishes).await?;
    let id = send(&mut world, json!({"channels": ["email", "in_app"]})).await?;
    let urgent = send(&mut world, json!({"channels": ["email"], "priority": "critical"})).await?;
    let stale = json!({"channels": ["email"], "expires_at": world.clock.now() + std::time::Duration::from_secs(60)});
    let stale = send(&mut world, stale).await?;
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &urgent, "email").await?["state"], "sent");
    assert_eq!(delivery(&mut world, &id, "in_app").await?["state"], "delivered", "it interrupts nobody");
    assert_eq!(delivery(&mut world, &stale, "email").await?["reason"], "expired");
    let shown = delivery(&mut world, &id, "email").await?;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("pending"), &json!("quiet-hours")));
    let ends: Instant = "2027-01-15T08:30:00Z".parse()?;
    assert_eq!(shown["due_at"], json!(ends));
    world.clock.advance(std::time::Duration::from_secs(30 * 60));
    work(&mut world).await?;
    let shown = delivery(&mut world, &id, "email").await?;
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("sent"), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn a_user_is_interrupted_ten_times_an_hour_and_critical_passes() -> Result<()> {
    let mut world = seen_world().await?;
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    call(&mut world, "POST", "/users/ada/addresses", mailbox).await?;
    for _ in 0..12 {
        send(&mut world, json!({"channels": ["email", "in_app"]})).await?;
    }
    let urgent = send(&mut world, json!({"channels": ["email"], "priority": "critical"})).await?;
    work(&mut world).await?;
    assert_eq!(world.sent().len(), 11);
    assert_eq!(delivery(&mut world, &urgent, "email").await?["state"], "sent");
    let counts = call(&mut world, "GET", "/users/ada/inbox/count", Value::Null).await?;
    assert_eq!(counts["unread"], 12, "the inbox interrupts nobody");
    world.clock.advance(std::time::Duration::from_secs(3600));
    let next = send(&mut world, json!({"channels": ["email"]})).await?;
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &next, "email").await?["state"], "sent");
    Ok(())
}

#[test]
fn what_is_sent_later_waits_and_can_be_taken_back() {
    check(
        "alice POST /notifications {user_id: ada, type: news, title: a, body: b, channels: [in_app], send_at: '2027-01-15T09:00:00Z'}  202 {notification_id: $one}
         alice POST /notifications {user_id: ada, type: news, title: a, body: b, channels: [in_app], send_at: '2027-01-15T09:00:00Z'}  202 {notification_id: $two}
         stream forward_rest
         schedule sweep_due
         queue deliver 0
         bob   DELETE /notifications/$one  404 notification-not-found
         alice DELETE /notifications/$one  204
         alice DELETE /notifications/$one  204
         alice GET    /notifications/$one  200 {state: canceled}
         clock +1h
         schedule sweep_due
         queue deliver twice
         alice GET    /notifications/$one  200 {state: canceled}
         alice GET    /notifications/$two  200 {state: delivered}
         alice GET    /users/ada/inbox/count  200 {unread: 1}
         alice DELETE /notifications/$two  409 notification-sent",
    );
}

#[test]
fn a_newer_notification_takes_the_place_of_what_waits() {
    check(
        "alice POST /notifications {user_id: ada, type: score, title: '1:0', body: b, channels: [in_app], collapse_key: game}  202 {notification_id: $one}
         clock +1s
         alice POST /notifications {user_id: ada, type: score, title: '2:0', body: b, channels: [in_app], collapse_key: game}  202 {notification_id: $two}
         stream forward_rest
         queue deliver
         alice GET /notifications/$one  200 {state: skipped}
         alice GET /notifications/$two  200 {state: delivered}",
    );
}

#[tokio::test]
async fn a_mail_follows_where_no_push_arrived_or_nobody_read() -> Result<()> {
    let mut world = seen_world().await?;
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    call(&mut world, "POST", "/users/ada/addresses", mailbox).await?;
    let failed = json!({"channels": ["push", "in_app"], "fallback": {"channel": "email", "after_minutes": 5}});
    let failed = send(&mut world, failed).await?;
    let unread = json!({"channel": "email", "after_minutes": 5, "when": "unread"});
    let unread = json!({"channels": ["in_app"], "fallback": unread});
    let (read, left) = (send(&mut world, unread.clone()).await?, send(&mut world, unread).await?);
    work(&mut world).await?;
    assert_eq!(world.sent().len(), 0);
    call(&mut world, "PATCH", &format!("/users/ada/inbox/{read}"), json!({"read": true})).await?;
    world.clock.advance(std::time::Duration::from_secs(300));
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &failed, "email").await?["state"], "sent");
    assert_eq!(delivery(&mut world, &left, "email").await?["state"], "sent");
    let shown = delivery(&mut world, &read, "email").await?;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("skipped"), &json!("read")));
    Ok(())
}

#[test]
fn what_was_sent_is_not_canceled_by_asking() {
    check(
        "alice POST /notifications {user_id: ada, type: news, title: a, body: b, channels: [in_app]}  202 {notification_id: $one}
         stream forward_rest
         queue deliver
         alice DELETE /notifications/$one  409 notification-sent
         alice GET    /notifications/$one  200 {state: delivered, canceled_at: null}",
    );
}

#[test]
fn a_mail_that_would_not_fit_into_its_item_is_refused() {
    let text = "x".repeat(160 * 1024);
    check(&format!(
        "alice PUT  /templates/big {{default_locale: en, locales: {{en: {{title: t, body: b, email: {{html: '{{{{ v }}}}', text: '{{{{ v }}}}'}}}}}}}}  201
         alice POST /notifications {{user_id: ada, type: news, template: big, payload: {{v: {text}}}}}  422 template-invalid
         alice POST /notifications {{recipients: [ada], type: news, template: big, payload: {{v: {text}}}}}  422 template-invalid"
    ));
}
