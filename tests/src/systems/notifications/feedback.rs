//! What SES and SNS tell afterwards, and what other systems ask for.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use notifications::App;
use serde_json::{Value, json};
use testkit::World;

use super::delivery::{call, delivery, seen_world, send, work};

/// An event as the topic hands it to the queue.
fn event(message: &Value) -> Value {
    let body = json!({"Type": "Notification", "Message": message.to_string()}).to_string();
    let record = json!({"messageId": types::random::uuid().to_string(), "body": body, "messageAttributes": {}});
    json!({"Records": [record]})
}

/// What SES tells of the mail of a delivery.
fn of_mail(kind: &str, notification: &str, address: &str, more: &Value) -> Value {
    let tag = |text: &str| json!([URL_SAFE_NO_PAD.encode(text)]);
    let tags = json!({"tenant": tag("alice"), "notification": tag(notification), "address": tag(address)});
    let mail = json!({"timestamp": "2027-01-15T08:00:00.500Z", "messageId": "m-1", "tags": tags});
    let at = json!({"timestamp": "2027-01-15T08:00:01.000Z"});
    let mut event = json!({"eventType": kind, "mail": mail, kind.to_lowercase(): at});
    event.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    event
}

async fn mailed(world: &mut World<App>) -> Result<(String, String)> {
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    let made = call(world, "POST", "/users/ada/addresses", mailbox).await?;
    let id = send(world, json!({"channels": ["email"]})).await?;
    work(world).await?;
    Ok((id, made["address_id"].as_str().context("an id")?.to_owned()))
}

async fn tell(world: &mut World<App>, event_of: &Value) -> Result<()> {
    let answer = world.invoke("take_feedback", &event(event_of)).await?;
    ensure!(answer["batchItemFailures"] == json!([]), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_mail_arrives_is_opened_and_clicked() -> Result<()> {
    let mut world = seen_world().await?;
    let (id, address) = mailed(&mut world).await?;
    // In any order, and again.
    for kind in ["Click", "Open", "Delivery", "Open", "Delivery"] {
        tell(&mut world, &of_mail(kind, &id, &address, &json!({}))).await?;
    }
    let shown = delivery(&mut world, &id, "email").await?;
    assert_eq!(shown["state"], "delivered");
    for at in ["delivered_at", "opened_at", "clicked_at"] {
        assert_eq!(shown[at], "2027-01-15T08:00:01Z", "{at}");
    }
    Ok(())
}

/// Each once, however often it is told.
#[tokio::test]
async fn a_templates_mails_are_counted() -> Result<()> {
    let mut world = seen_world().await?;
    let template = json!({"default_locale": "en", "locales": {"en": {"title": "Hello", "body": "there"}}});
    call(&mut world, "PUT", "/templates/hello", template).await?;
    let (_, address) = mailed(&mut world).await?;
    let mail = json!({"user_id": "ada", "type": "news", "template": "hello", "channels": ["email"]});
    for opened in [true, false] {
        let sent = call(&mut world, "POST", "/notifications", mail.clone()).await?;
        let id = sent["notification_id"].as_str().context("an id")?.to_owned();
        work(&mut world).await?;
        for kind in ["Delivery", "Open", "Open", "Delivery"].into_iter().filter(|kind| opened || *kind != "Open") {
            let mut event_of = of_mail(kind, &id, &address, &json!({}));
            event_of["mail"]["tags"]["template"] = json!([URL_SAFE_NO_PAD.encode("hello")]);
            tell(&mut world, &event_of).await?;
        }
    }
    let stats = call(&mut world, "GET", "/templates/hello/stats", Value::Null).await?;
    assert_eq!(stats, json!({"delivered": 2, "opened": 1, "clicked": 0, "bounced": 0, "complained": 0}));
    Ok(())
}

#[tokio::test]
async fn an_address_that_bounced_takes_no_mail_until_it_is_confirmed_anew() -> Result<()> {
    let mut world = seen_world().await?;
    let (id, address) = mailed(&mut world).await?;
    let passing = json!({"bounce": {"bounceType": "Transient", "bounceSubType": "MailboxFull"}});
    tell(&mut world, &of_mail("Bounce", &id, &address, &passing)).await?;
    assert_eq!(delivery(&mut world, &id, "email").await?["state"], "bounced", "SES has given it up");
    let listed = call(&mut world, "GET", "/users/ada/addresses", Value::Null).await?;
    assert_eq!(listed["items"][0]["state"], "active", "a full mailbox may have room another day");
    let for_good = json!({"bounce": {"bounceType": "Permanent", "bounceSubType": "General"}});
    for _ in 0..2 {
        tell(&mut world, &of_mail("Bounce", &id, &address, &for_good)).await?;
    }
    // What was under way does not undo it.
    tell(&mut world, &of_mail("Delivery", &id, &address, &json!({}))).await?;
    assert_eq!(delivery(&mut world, &id, "email").await?["state"], "bounced");
    let listed = call(&mut world, "GET", "/users/ada/addresses", Value::Null).await?;
    assert_eq!(listed["items"][0]["state"], "bounced");
    let next = send(&mut world, json!({"channels": ["email"]})).await?;
    assert_eq!(delivery(&mut world, &next, "email").await?["reason"], "no-address");
    // Nor is it used because the caller, or another user, registers it again.
    for user in ["ada", "grace"] {
        let mailbox = json!({"channel": "email", "email": "ADA@example.com".to_lowercase(), "verified": true});
        let again = call(&mut world, "POST", &format!("/users/{user}/addresses"), mailbox).await?;
        assert_eq!(again["state"], "unverified");
    }
    let mail = world.sent().pop().context("a mail that asks")?;
    let mail: Value = serde_json::from_str(&mail.body)?;
    let text = mail["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().context("a text")?;
    let link = text.split_whitespace().find(|word| word.contains("/verify/")).context("a link")?;
    let path = &link[link.find("/verify/").context("a path")?..];
    ensure!(world.http("POST", path, &[], None, None).await?["statusCode"] == 200, "confirmed");
    let listed = call(&mut world, "GET", "/users/grace/addresses", Value::Null).await?;
    assert_eq!(listed["items"][0]["state"], "active");
    Ok(())
}

#[tokio::test]
async fn who_calls_a_mail_spam_gets_no_more() -> Result<()> {
    let mut world = seen_world().await?;
    let (id, address) = mailed(&mut world).await?;
    tell(&mut world, &of_mail("Complaint", &id, &address, &json!({}))).await?;
    let listed = call(&mut world, "GET", "/users/ada/addresses", Value::Null).await?;
    assert_eq!(listed["items"][0]["state"], "complained");
    Ok(())
}

#[tokio::test]
async fn a_device_whose_endpoint_is_disabled_is_gone() -> Result<()> {
    let mut world = seen_world().await?;
    let endpoint = super::delivery::device(&mut world).await?;
    let failure = json!({
        "EventType": "DeliveryFailure", "FailureType": "EndpointDisabled", "EndpointArn": endpoint, "Service": "SNS",
    });
    tell(&mut world, &failure).await?;
    let listed = call(&mut world, "GET", "/users/ada/addresses", Value::Null).await?;
    assert_eq!(listed["items"][0]["state"], "gone");
    let of_nobody = json!({"EventType": "DeliveryFailure", "FailureType": "EndpointDisabled", "EndpointArn": "arn:x"});
    tell(&mut world, &of_nobody).await
}

#[tokio::test]
async fn another_system_asks_once_however_often_its_event_comes() -> Result<()> {
    let mut world = seen_world().await?;
    let sample = std::fs::read_to_string(testkit::repository().join("events/notifications/take_requests.json"))?;
    let sample: Value = serde_json::from_str(&sample)?;
    for _ in 0..2 {
        let answer = world.invoke("take_requests", &sample).await?;
        ensure!(answer["batchItemFailures"] == json!([]), "{answer}");
    }
    work(&mut world).await?;
    let scopes = "users:read";
    let counts = world.http("GET", "/users/account/inbox/count", &[], None, Some(("demo", scopes, "pro"))).await?;
    let counts: Value = serde_json::from_str(counts["body"].as_str().unwrap_or_default())?;
    assert_eq!(counts["unread"], 1);
    // What cannot be is left: it would be refused again.
    let body = json!({"source": "almanac.x", "detail": {
        "v": 1, "id": "x", "tenant": "demo", "user_id": "a b", "type": "news", "title": "t", "body": "b",
    }});
    let record = json!({"messageId": "m", "body": body.to_string(), "messageAttributes": {}});
    let answer = world.invoke("take_requests", &json!({"Records": [record]})).await?;
    assert_eq!(answer["batchItemFailures"], json!([]));
    Ok(())
}

/// A mailbox that complained takes no mail, whichever of the tenant's users has it.
#[tokio::test]
async fn a_complaint_ends_the_mails_of_every_user_who_has_the_mailbox() -> Result<()> {
    let mut world = seen_world().await?;
    let (id, address) = mailed(&mut world).await?;
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    call(&mut world, "POST", "/users/eve/addresses", mailbox).await?;
    tell(&mut world, &of_mail("Complaint", &id, &address, &json!({}))).await?;
    let id = send(&mut world, json!({"user_id": "eve", "channels": ["email"]})).await?;
    work(&mut world).await?;
    let shown = delivery(&mut world, &id, "email").await?;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("skipped"), &json!("address-complained")));
    assert_eq!(world.sent().len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_ses_says_when_it_tries_the_topic_is_no_event() -> Result<()> {
    let mut world = seen_world().await?;
    let body = json!({"Type": "Notification", "Message": "Successfully validated SNS topic for Amazon SES."});
    let record = json!({"messageId": "m", "body": body.to_string(), "messageAttributes": {}});
    let answer = world.invoke("take_feedback", &json!({ "Records": [record] })).await?;
    assert_eq!(answer["batchItemFailures"], json!([]));
    Ok(())
}
