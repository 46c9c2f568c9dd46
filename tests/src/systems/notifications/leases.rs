//! What happens to a delivery while a worker has it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use dynamo::{Key, UpdateExpression};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use testkit::{Delivery, Fault, Faults, Receiver, Run};

use super::delivery::{ALLOWED, call, delivery, send, work};
use super::{WORLDS, check};

/// A provider may tell what became of it before it answers. That stands, and nothing is sent again.
#[tokio::test]
async fn what_a_provider_tells_before_it_answers_is_not_overwritten() -> Result<()> {
    let mut world = WORLDS.make_with(&ALLOWED, Some(Faults::seeded(1))).await?;
    let key: Arc<Mutex<Option<(String, String)>>> = Arc::default();
    let table = dynamo::Table::new(world.sdk().dynamodb(), world.env("TABLE"));
    let told = Arc::clone(&key);
    let receiver = Receiver::start(move |_| {
        let (pk, sk) = told.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let table = table.clone();
        // The receiver answers on a thread of its own.
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            let arrived = UpdateExpression::new().set("state", "delivered");
            let update = table.update(Key::new(pk, sk)).apply(arrived);
            runtime.block_on(update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ())).ok()?.ok()
        });
        done.join().ok()?.map(|_| 500)
    })?;
    let hook = json!({"channel": "webhook", "url": receiver.url("/hook")});
    let made = call(&mut world, "POST", "/users/ada/addresses", hook).await?;
    let id = send(&mut world, json!({"channels": ["webhook"]})).await?;
    let address = made["address_id"].as_str().context("an id")?;
    *key.lock().unwrap_or_else(PoisonError::into_inner) =
        Some((format!("NOTIFICATION#alice#{id}"), format!("DELIVERY#webhook#{address}")));
    for _ in 0..3 {
        work(&mut world).await?;
        world.clock.advance(Duration::from_secs(3 * 3600));
    }
    let shown = delivery(&mut world, &id, "webhook").await?;
    assert_eq!((&shown["state"], receiver.received().len()), (&json!("delivered"), 1), "{shown}");
    assert_eq!((&shown["attempts"], &shown["attempts_unknown"]), (&json!(1), &json!(0)));
    Ok(())
}

/// What is not to be sent any more waits, too, until whoever has it is done or dead: its message is the last.
#[tokio::test]
async fn what_a_dead_worker_had_is_skipped_when_its_lease_is_over_and_not_forgotten() -> Result<()> {
    let faults = Faults::seeded(1).with(Fault::KilledAfter, 1.0).only("SES");
    let mut world = WORLDS.make_with(&[], Some(faults)).await?;
    let (mut dying, mut calm) = (world.killable("one")?, world.undisturbed()?);
    let mailbox = json!({"channel": "email", "email": "ada@example.com", "verified": true});
    call(&mut world, "POST", "/users/ada/addresses", mailbox).await?;
    let id = send(&mut world, json!({"channels": ["email"]})).await?;
    world.stream("forward_rest", Delivery::Once).await?;
    let messages = world.messages("deliver").await?;
    let records = json!({ "Records": messages });
    assert!(matches!(dying.invoke("deliver", &records).await?, Run::Killed));
    call(&mut world, "DELETE", &format!("/notifications/{id}"), Value::Null).await?;
    let Run::Answered(Ok(answer), _) = calm.invoke("deliver", &records).await? else { anyhow::bail!("no answer") };
    assert_eq!(answer["batchItemFailures"].as_array().map(Vec::len), Some(1), "it comes again");
    world.clock.advance(Duration::from_secs(31));
    let Run::Answered(Ok(answer), _) = calm.invoke("deliver", &records).await? else { anyhow::bail!("no answer") };
    assert_eq!(answer["batchItemFailures"], json!([]));
    let shown = delivery(&mut world, &id, "email").await?;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("skipped"), &json!("canceled")), "{shown}");
    Ok(())
}

/// A provider that is down for a day is not waited for any longer.
#[tokio::test]
async fn what_waits_for_its_provider_is_given_up_after_a_day() -> Result<()> {
    let faults = Faults::seeded(1).with(Fault::Throttled, 1.0).only("SNS.Publish");
    let mut world = WORLDS.make_with(&[], Some(faults)).await?;
    call(&mut world, "POST", "/users/ada/addresses", json!({"channel": "sms", "phone": "+14155550100"})).await?;
    // It is accepted long before it is due: the day begins when its provider has no time.
    let later = world.clock.now() + Duration::from_secs(7200);
    let id = send(&mut world, json!({"channels": ["sms"], "send_at": later})).await?;
    world.clock.advance(Duration::from_secs(7200));
    work(&mut world).await?;
    let shown = delivery(&mut world, &id, "sms").await?;
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("pending"), &json!(1)));
    // It has waited so long by now.
    let address = shown["address_id"].as_str().context("an id")?;
    let key = Key::new(format!("NOTIFICATION#alice#{id}"), format!("DELIVERY#sms#{address}"));
    let since = world.clock.now() - Duration::from_secs(86_400 - 60);
    let table = dynamo::Table::new(world.sdk().dynamodb(), world.env("TABLE"));
    let waited = UpdateExpression::new().set("waits_since", since).when(dynamo::exists("waits_since"));
    let waited = table.update(key).apply(waited).send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?;
    assert!(waited.is_ok(), "it is noted since when");
    world.clock.advance(Duration::from_secs(60));
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &id, "sms").await?["state"], "failed");
    Ok(())
}

#[test]
fn one_for_later_takes_the_place_of_what_waits_when_its_time_comes() {
    check(
        "alice POST /notifications {user_id: ada, type: news, title: soon, body: b, channels: [in_app], collapse_key: k, send_at: '2027-01-15T08:30:00Z'}  202 {notification_id: $soon}
         clock +1s
         alice POST /notifications {user_id: ada, type: news, title: later, body: b, channels: [in_app], collapse_key: k, send_at: '2027-01-15T09:30:00Z'}  202 {notification_id: $later}
         clock +1h
         schedule sweep_due
         queue deliver
         alice GET /notifications/$soon   200 {state: delivered}
         clock +1h
         schedule sweep_due
         queue deliver
         alice GET /notifications/$later  200 {state: delivered}",
    );
}

/// An app writes what it read before its user clicked in a mail.
#[test]
fn what_a_user_ended_is_not_begun_again_by_who_has_read_before() {
    check(
        "alice GET /users/ada/preferences  200
         header etag \"0\"
         alice PUT /users/ada/preferences {locale: de} [If-Match: '\"1\"']  400 invalid-if-match
         alice PUT /users/ada/preferences {locale: de} [If-Match: \"1\"]  412 precondition-failed
         alice PUT /users/ada/preferences {locale: de} [If-Match: \"0\"]  200 {locale: de}
         header etag \"1\"
         alice PUT /users/ada/preferences {locale: fr} [If-Match: \"0\"]  412 precondition-failed
         alice PUT /users/ada/preferences {locale: fr} [If-Match: *]  200
         alice PUT /users/ada/preferences {locale: en}  200
         alice GET /users/ada/preferences  200 {locale: en}
         header etag \"3\"",
    );
}
