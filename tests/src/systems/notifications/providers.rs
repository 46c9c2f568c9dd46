//! Rates, money, and providers that fail.

use anyhow::Result;
use notifications::App;
use serde_json::{Value, json};
use testkit::{Faults, World};

use super::WORLDS;
use super::delivery::{call, delivery, send, work};

/// A world in which Ada has a mailbox, and whose calls can be looked at.
async fn with_mailbox(changes: &[(&str, &str)]) -> Result<World<App>> {
    let mut world = WORLDS.make_with(changes, Some(Faults::seeded(1))).await?;
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    call(&mut world, "POST", "/users/ada/addresses", mailbox).await?;
    Ok(world)
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

/// A provider's rate is held across sandboxes: what is beyond it has a turn of its own, and waits for it once.
#[tokio::test]
async fn mails_beyond_the_rate_wait_for_their_turn() -> Result<()> {
    let changes = [("MAILS_PER_SECOND", "1"), ("USER_CAP_PER_HOUR", "0")];
    let mut world = with_mailbox(&changes).await?;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(send(&mut world, json!({"channels": ["email"]})).await?);
    }
    let first = world.clock.now();
    work(&mut world).await?;
    assert_eq!(world.sent().len(), 2, "one at once, and one whose turn was near");
    let mut turns = Vec::new();
    for id in &ids {
        let shown = delivery(&mut world, id, "email").await?;
        if shown["state"] == "pending" {
            assert_eq!(shown["reason"], "provider-rate");
            turns.push(shown["due_at"].clone());
        }
    }
    turns.sort_by_key(Value::to_string);
    let at = |seconds| json!(first + std::time::Duration::from_secs(seconds));
    assert_eq!(turns, [at(2), at(3), at(4)], "one a second");
    // The queue keeps them back by its own clock.
    let all = async {
        while world.sent().len() < 5 {
            world.drain("deliver", testkit::Delivery::Once).await?;
        }
        Ok(())
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), all).await?
}

/// What is urgent has turns of its own, however much waits that is not.
#[tokio::test]
async fn low_mails_leave_turns_for_urgent_ones() -> Result<()> {
    let changes = [("MAILS_PER_SECOND", "4"), ("USER_CAP_PER_HOUR", "0")];
    let mut world = with_mailbox(&changes).await?;
    for _ in 0..20 {
        send(&mut world, json!({"channels": ["email"], "priority": "low"})).await?;
    }
    work(&mut world).await?;
    let low = world.sent().len();
    assert!(low < 10, "{low} of twenty: three of four turns of a second and a half are theirs");
    let id = send(&mut world, json!({"channels": ["email"], "priority": "critical"})).await?;
    world.stream("forward_urgent", testkit::Delivery::Once).await?;
    world.drain("deliver", testkit::Delivery::Once).await?;
    assert_eq!(delivery(&mut world, &id, "email").await?["state"], "sent");
    Ok(())
}

/// Each waits in the queue of its own priority.
#[tokio::test]
async fn urgent_mails_beyond_the_rate_wait_too() -> Result<()> {
    for priority in ["critical", "high"] {
        let changes = [("MAILS_PER_SECOND", "1"), ("USER_CAP_PER_HOUR", "0")];
        let mut world = with_mailbox(&changes).await?;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(send(&mut world, json!({"channels": ["email"], "priority": priority})).await?);
        }
        world.stream("forward_urgent", testkit::Delivery::Once).await?;
        world.drain("deliver", testkit::Delivery::Once).await?;
        let mut waiting = 0;
        for id in &ids {
            let shown = delivery(&mut world, id, "email").await?;
            waiting += usize::from(shown["state"] == "pending" && shown["reason"] == "provider-rate");
        }
        assert_eq!((waiting, world.sent().len()), (3, 2), "{priority}");
    }
    Ok(())
}

#[tokio::test]
async fn a_text_message_that_its_provider_does_not_take_costs_nothing() -> Result<()> {
    let faults = Faults::seeded(1).with(testkit::Fault::Throttled, 1.0).only("SNS.Publish");
    let changes = [("SMS_DAILY_CAP_MICROS", "20000"), ("USER_CAP_PER_HOUR", "0")];
    let mut world = WORLDS.make_with(&changes, Some(faults)).await?;
    call(&mut world, "POST", "/users/ada/addresses", json!({"channel": "sms", "phone": "+14155550100"})).await?;
    for _ in 0..5 {
        let id = send(&mut world, json!({"channels": ["sms"]})).await?;
        work(&mut world).await?;
        let shown = delivery(&mut world, &id, "sms").await?;
        assert_eq!((&shown["state"], &shown["attempts"]), (&json!("pending"), &json!(1)), "{shown}");
    }
    Ok(())
}

/// A stage that SES does not know the configuration set of fails, and no mailbox is lost by that.
#[tokio::test]
async fn a_configuration_set_that_is_missing_is_no_mailbox_that_is_gone() -> Result<()> {
    let mut world = with_mailbox(&[("CONFIGURATION_SET", "none")]).await?;
    send(&mut world, json!({"channels": ["email"]})).await?;
    work(&mut world).await?;
    let listed = call(&mut world, "GET", "/users/ada/addresses", Value::Null).await?;
    assert_eq!(listed["items"][0]["state"], "active");
    Ok(())
}
