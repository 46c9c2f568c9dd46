//! From its queue to its provider: every channel, retries, quiet hours, caps, collapsing, fallbacks.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use notifications::App;
use serde_json::{Value, json};
use testkit::{Delivery, Faults, Receiver, World};
use types::Instant;
use url::form_urlencoded;

use super::{WORLDS, check};

/// The emulator's account has no name in templates here.
const ALLOWED: [(&str, &str); 2] =
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

fn form(body: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(body.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_mail_is_a_raw_message_with_one_click_and_its_tags() -> Result<()> {
    let mut world = seen_world().await?;
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    call(&mut world, "POST", "/users/ada/addresses", mailbox).await?;
    let id = send(&mut world, json!({"channels": ["email"]})).await?;
    work(&mut world).await?;
    let shown = delivery(&mut world, &id, "email").await?;
    assert_eq!((&shown["state"], &shown["provider"], &shown["attempts"]), (&json!("sent"), &json!("ses"), &json!(1)));
    let sent = world.sent();
    let [mail] = &sent[..] else { anyhow::bail!("{sent:?}") };
    let body: Value = serde_json::from_str(&mail.body)?;
    let raw = String::from_utf8(STANDARD.decode(body["Content"]["Raw"]["Data"].as_str().unwrap_or_default())?)?;
    ensure!(raw.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{raw}");
    let tag = body["EmailTags"].as_array().into_iter().flatten().find(|tag| tag["Name"] == "notification");
    let tag = tag.and_then(|tag| tag["Value"].as_str()).context("a tag")?;
    assert_eq!(URL_SAFE_NO_PAD.decode(tag)?, id.as_bytes());
    // One click ends such mails, and no others.
    let start = raw.find("/unsubscribe/").context("a link")?;
    let link: String = raw[start..].chars().take_while(|c| *c != '>').filter(|c| !c.is_whitespace()).collect();
    let page = world.http("GET", &link, &[], None, None).await?;
    ensure!(page["statusCode"] == 200 && page["body"].as_str().is_some_and(|body| body.contains("order_shipped")));
    let wishes = call(&mut world, "GET", "/users/ada/preferences", Value::Null).await?;
    assert_eq!(wishes["types"], Value::Null, "looking changes nothing");
    ensure!(world.http("POST", &link, &[], None, None).await?["statusCode"] == 200, "one click");
    let wishes = call(&mut world, "GET", "/users/ada/preferences", Value::Null).await?;
    assert_eq!(wishes["types"]["order_shipped"]["channels"], json!({"email": false}));
    let other = send(&mut world, json!({"channels": ["email"]})).await?;
    let shown = delivery(&mut world, &other, "email").await?;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("skipped"), &json!("opted-out-type-channel")));
    Ok(())
}

#[tokio::test]
async fn a_mailbox_is_used_when_its_owner_has_confirmed_it() -> Result<()> {
    let mut world = seen_world().await?;
    let mailbox = json!({"channel": "email", "email": "Ada@Example.com"});
    let made = call(&mut world, "POST", "/users/ada/addresses", mailbox).await?;
    assert_eq!((&made["state"], &made["email"]), (&json!("unverified"), &json!("Ada@example.com")));
    let id = send(&mut world, json!({"channels": ["email"]})).await?;
    assert_eq!(delivery(&mut world, &id, "email").await?["reason"], "no-address");
    let mail: Value = serde_json::from_str(&world.sent()[0].body)?;
    let text = mail["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().context("a text")?;
    let link = text.split_whitespace().find(|word| word.contains("/verify/")).context("a link")?;
    let path = &link[link.find("/verify/").context("a path")?..];
    ensure!(world.http("GET", path, &[], None, None).await?["statusCode"] == 200, "a page, and no more");
    let listed = call(&mut world, "GET", "/users/ada/addresses", Value::Null).await?;
    assert_eq!(listed["items"][0]["state"], "unverified");
    ensure!(world.http("POST", path, &[], None, None).await?["statusCode"] == 200, "confirmed");
    let id = send(&mut world, json!({"channels": ["email"]})).await?;
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &id, "email").await?["state"], "sent");
    Ok(())
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

#[tokio::test]
async fn a_text_message_and_a_push_go_through_sns() -> Result<()> {
    let mut world = seen_world().await?;
    device(&mut world).await?;
    let sns = world.sdk().sns();
    let phone = json!({"channel": "sms", "phone": "+14155550100"});
    call(&mut world, "POST", "/users/ada/addresses", phone).await?;
    let listed = call(&mut world, "GET", "/users/ada/addresses", Value::Null).await?;
    let device = listed["items"].as_array().into_iter().flatten().find(|it| it["channel"] == "push");
    let device = device.cloned().context("a device")?;
    let id = send(&mut world, json!({"channels": ["sms", "push"], "priority": "high", "data": {"order": 7}})).await?;
    work(&mut world).await?;
    let shown = call(&mut world, "GET", &format!("/notifications/{id}"), Value::Null).await?;
    assert_eq!(shown["state"], "delivered", "{shown}");
    let sent = world.sent();
    let text = sent.iter().find(|sent| form(&sent.body, "PhoneNumber").is_some()).context("a text message")?;
    assert_eq!(form(&text.body, "Message").as_deref(), Some("Shipped: On its way"));
    let push = sent.iter().find(|sent| form(&sent.body, "TargetArn").is_some()).context("a push")?;
    let message: Value = serde_json::from_str(&form(&push.body, "Message").context("a message")?)?;
    let fcm: Value = serde_json::from_str(message["GCM"].as_str().context("a payload")?)?;
    assert_eq!(fcm["fcmV1Message"]["message"]["data"]["order"], "7");
    // The app got another token, and then it is removed from the device.
    let path = format!("/users/ada/addresses/{}", device["address_id"].as_str().unwrap_or_default());
    call(&mut world, "PUT", &format!("{path}/token"), json!({"token": "device-2"})).await?;
    let endpoint = form(&push.body, "TargetArn").context("an endpoint")?;
    let attributes = sns.get_endpoint_attributes().endpoint_arn(&endpoint).send().await?.attributes;
    assert_eq!(attributes.and_then(|all| all.get("Token").cloned()).as_deref(), Some("device-2"));
    sns.delete_endpoint().endpoint_arn(&endpoint).send().await?;
    let id = send(&mut world, json!({"channels": ["push"]})).await?;
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &id, "push").await?["state"], "failed");
    let listed = call(&mut world, "GET", "/users/ada/addresses", Value::Null).await?;
    let states: Vec<_> = listed["items"].as_array().into_iter().flatten().map(|it| it["state"].clone()).collect();
    ensure!(states.contains(&json!("gone")) && states.contains(&json!("active")), "{listed}");
    Ok(())
}

#[tokio::test]
async fn a_webhook_is_signed_and_tried_again_under_the_same_id() -> Result<()> {
    let mut world = seen_world().await?;
    let answers = std::sync::atomic::AtomicU16::new(0);
    let receiver = Receiver::start(move |_| {
        Some(if answers.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 { 503 } else { 204 })
    })?;
    let hook = json!({"channel": "webhook", "url": receiver.url("/hook")});
    let made = call(&mut world, "POST", "/users/ada/addresses", hook).await?;
    let id = send(&mut world, json!({"channels": ["webhook"]})).await?;
    work(&mut world).await?;
    let shown = delivery(&mut world, &id, "webhook").await?;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("pending"), &json!("answered 503")));
    assert_eq!(shown["due_at"], json!(world.clock.now() + std::time::Duration::from_secs(300)), "5 minutes");
    for minutes in [5, 30] {
        work(&mut world).await?;
        let before = receiver.received().len();
        world.clock.advance(std::time::Duration::from_secs(minutes * 60 - 1));
        work(&mut world).await?;
        assert_eq!(receiver.received().len(), before, "nothing is early");
        world.clock.advance(std::time::Duration::from_secs(1));
        work(&mut world).await?;
        assert_eq!(receiver.received().len(), before + 1);
    }
    let shown = delivery(&mut world, &id, "webhook").await?;
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("delivered"), &json!(3)));
    let received = receiver.received();
    let ids: std::collections::BTreeSet<_> = received.iter().map(|one| one.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 1, "a receiver knows a repetition");
    let secret = outbound::WebhookSecret::parse(made["secret"].as_str().unwrap_or_default())?;
    let last = &received[2];
    let header = |name: &str| last.headers.get(name).map(String::as_str);
    assert_eq!(outbound::verify(header, &last.body, &[secret], world.clock.now()), Ok(()));
    Ok(())
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

#[tokio::test]
async fn text_messages_end_where_the_days_money_does() -> Result<()> {
    let changes = [("SMS_DAILY_CAP_MICROS", "30000"), ("USER_CAP_PER_HOUR", "0")];
    let mut world = WORLDS.make_with(&changes, Some(Faults::seeded(1))).await?;
    call(&mut world, "POST", "/users/ada/addresses", json!({"channel": "sms", "phone": "+14155550100"})).await?;
    let mut ids = Vec::new();
    for body in ["one", &"two ".repeat(50), "three"] {
        ids.push(send(&mut world, json!({"channels": ["sms"], "body": body})).await?);
        work(&mut world).await?;
    }
    let mut states = Vec::new();
    for id in &ids {
        states.push(delivery(&mut world, id, "sms").await?["state"].clone());
    }
    assert_eq!(states, ["sent", "sent", "skipped"], "one message, two, and there is no money for a fourth");
    world.clock.advance(std::time::Duration::from_secs(86_400));
    let id = send(&mut world, json!({"channels": ["sms"]})).await?;
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &id, "sms").await?["state"], "sent");
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
         alice DELETE /notifications/$one  409 notification-sent
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

/// SES of one region answers 500: after ten failures mails go from another, and from the first again when it has
/// recovered (which its breaker finds out by the first mail that goes well).
#[tokio::test]
async fn a_provider_that_fails_is_left_alone_and_another_takes_its_place() -> Result<()> {
    let faults = Faults::seeded(1).with(testkit::Fault::ServerError, 1.0).only("SES").in_region("us-east-1");
    let changes = [("OTHER_REGION", "eu-west-1"), ("USER_CAP_PER_HOUR", "0"), ("MAILS_PER_SECOND", "0")];
    let mut world = WORLDS.make_with(&changes, Some(faults)).await?;
    let there = world.sdk().in_region("eu-west-1").ses();
    there.create_email_identity().email_identity("example.com").send().await.ok();
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    call(&mut world, "POST", "/users/ada/addresses", mailbox).await?;
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(send(&mut world, json!({"channels": ["email"]})).await?);
        work(&mut world).await?;
    }
    let shown = delivery(&mut world, &ids[9], "email").await?;
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("pending"), &json!(1)), "it comes again in 5 minutes");
    for id in &ids[10..] {
        let shown = delivery(&mut world, id, "email").await?;
        assert_eq!((&shown["state"], &shown["provider"]), (&json!("sent"), &json!("ses-elsewhere")), "{shown}");
    }
    // Half a minute later the first is tried again, fails once, and is left alone at once.
    world.clock.advance(std::time::Duration::from_secs(31));
    for provider in [Value::Null, json!("ses-elsewhere")] {
        let id = send(&mut world, json!({"channels": ["email"]})).await?;
        work(&mut world).await?;
        assert_eq!(delivery(&mut world, &id, "email").await?["provider"], provider);
    }
    Ok(())
}

/// Without another region what waits is put off, and no attempt is used up.
#[tokio::test]
async fn what_waits_for_a_provider_is_put_off() -> Result<()> {
    let faults = Faults::seeded(1).with(testkit::Fault::ServerError, 1.0).only("SNS.Publish");
    let mut world = WORLDS.make_with(&[("USER_CAP_PER_HOUR", "0")], Some(faults)).await?;
    call(&mut world, "POST", "/users/ada/addresses", json!({"channel": "sms", "phone": "+14155550100"})).await?;
    let mut id = String::new();
    for _ in 0..11 {
        id = send(&mut world, json!({"channels": ["sms"]})).await?;
        work(&mut world).await?;
    }
    let shown = delivery(&mut world, &id, "sms").await?;
    assert_eq!((&shown["reason"], &shown["attempts"]), (&json!("provider-down"), &json!(0)));
    assert_eq!(shown["due_at"], json!(world.clock.now() + std::time::Duration::from_secs(30)));
    Ok(())
}

/// A provider's rate is held across sandboxes: what is beyond it waits for its turn and is not refused.
#[tokio::test]
async fn mails_beyond_the_rate_wait_for_their_turn() -> Result<()> {
    let changes = [("MAILS_PER_SECOND", "3"), ("USER_CAP_PER_HOUR", "0")];
    let mut world = WORLDS.make_with(&changes, Some(Faults::seeded(1))).await?;
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    call(&mut world, "POST", "/users/ada/addresses", mailbox).await?;
    for _ in 0..5 {
        send(&mut world, json!({"channels": ["email"]})).await?;
    }
    work(&mut world).await?;
    assert_eq!(world.sent().len(), 3);
    world.clock.advance(std::time::Duration::from_secs(60));
    work(&mut world).await?;
    assert_eq!(world.sent().len(), 5);
    Ok(())
}
