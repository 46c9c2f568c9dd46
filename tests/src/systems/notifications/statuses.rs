//! What SNS logs of text messages and pushes afterwards.

use anyhow::{Result, ensure};
use notifications::App;
use serde_json::{Value, json};
use testkit::{Faults, World, log_lines};

use super::WORLDS;
use super::delivery::{ALLOWED, call, delivery, device, send, work};

async fn world() -> Result<World<App>> {
    let changes = [("SMS_STATUS", "make"), ("PUSH_STATUS", "true"), ALLOWED[0], ALLOWED[1]];
    WORLDS.make_with(&changes, Some(Faults::seeded(1))).await
}

fn line(id: &Value, status: &str, said: &str) -> Value {
    json!({
        "notification": {"messageId": id, "timestamp": "2027-01-15 08:00:01.000"}, "status": status,
        "delivery": {"destination": "+14155550100", "providerResponse": said, "priceInUSD": 0.00645},
    })
}

async fn tell(world: &mut World<App>, lines: &[Value]) -> Result<()> {
    let event = log_lines(world.clock.now(), lines)?;
    world.invoke("take_statuses", &event).await.map(drop)
}

#[tokio::test]
async fn a_text_message_arrives_or_its_network_does_not_take_it() -> Result<()> {
    let mut world = world().await?;
    call(&mut world, "POST", "/users/ada/addresses", json!({"channel": "sms", "phone": "+14155550100"})).await?;
    let mut sent = Vec::new();
    for _ in 0..2 {
        let id = send(&mut world, json!({"channels": ["sms"]})).await?;
        work(&mut world).await?;
        let shown = delivery(&mut world, &id, "sms").await?;
        assert_eq!(shown["state"], "sent");
        sent.push((id, shown["provider_id"].clone()));
    }
    let lines = [
        line(&sent[0].1, "SUCCESS", "Message has been accepted by phone carrier"),
        json!("no line of SNS"),
        line(&sent[1].1, "FAILURE", "Blocked as spam by phone carrier"),
    ];
    for _ in 0..2 {
        tell(&mut world, &lines).await?;
    }
    let shown = delivery(&mut world, &sent[0].0, "sms").await?;
    assert_eq!((&shown["state"], &shown["delivered_at"]), (&json!("delivered"), &json!(world.clock.now())));
    let shown = delivery(&mut world, &sent[1].0, "sms").await?;
    let expected = (&json!("failed"), &json!("Blocked as spam by phone carrier"));
    assert_eq!((&shown["state"], &shown["reason"]), expected);
    Ok(())
}

#[tokio::test]
async fn a_push_that_its_platform_does_not_take_has_failed() -> Result<()> {
    let mut world = world().await?;
    let endpoint = device(&mut world).await?;
    let fallback = json!({"channel": "in_app", "after_minutes": 5, "when": "failed"});
    let id = send(&mut world, json!({"channels": ["push"], "fallback": fallback})).await?;
    work(&mut world).await?;
    let push = delivery(&mut world, &id, "push").await?;
    let mut failure = line(&push["provider_id"], "FAILURE", "NotRegistered");
    failure["delivery"]["destination"] = json!(endpoint);
    for (token, state) in [("another", "active"), ("device-1", "gone")] {
        failure["delivery"]["token"] = json!(token);
        tell(&mut world, &[failure.clone()]).await?;
        assert_eq!(delivery(&mut world, &id, "push").await?["state"], "failed");
        let listed = call(&mut world, "GET", "/users/ada/addresses", Value::Null).await?;
        assert_eq!(listed["items"][0]["state"], state, "the token that it has");
    }
    world.clock.advance(std::time::Duration::from_secs(300));
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &id, "in_app").await?["state"], "delivered", "what stands in for it");
    Ok(())
}

/// SNS tells of messages of others in the account, too.
#[tokio::test]
async fn what_is_of_others_is_left() -> Result<()> {
    let mut world = world().await?;
    let mut other = line(&json!("unknown"), "SUCCESS", "");
    other["delivery"]["providerResponse"] = Value::Null;
    tell(&mut world, &[other]).await
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_kept() -> Result<()> {
    let mut world = WORLDS.make_with(&ALLOWED, Some(Faults::seeded(1))).await?;
    call(&mut world, "POST", "/users/ada/addresses", json!({"channel": "sms", "phone": "+14155550100"})).await?;
    let id = send(&mut world, json!({"channels": ["sms"]})).await?;
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &id, "sms").await?["state"], "sent");
    let kept = world.changes().await?.iter().any(|change| change["dynamodb"]["Keys"]["sk"]["S"] == "MESSAGE");
    ensure!(!kept, "it would cost a write for each");
    Ok(())
}
