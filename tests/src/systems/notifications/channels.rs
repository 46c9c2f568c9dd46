//! What each provider is given.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testkit::Receiver;

use super::delivery::{call, delivery, device, form, seen_world, send, work};

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
