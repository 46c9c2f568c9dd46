//! What other systems ask for, and what they are told.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testkit::{Delivery, Faults};

use super::WORLDS;
use super::statements::call;

fn request(id: &str, tenant: &str, account: &str) -> Value {
    let sample = std::fs::read_to_string(testkit::repository().join("events/ledger/take_postings.json"));
    let mut event: Value = serde_json::from_str(&sample.unwrap_or_default()).unwrap_or_default();
    let mut body: Value =
        serde_json::from_str(event["Records"][0]["body"].as_str().unwrap_or_default()).unwrap_or_default();
    body["detail"]["tenant"] = json!(tenant);
    body["detail"]["transaction"]["transaction_id"] = json!(id);
    body["detail"]["accounts"][0]["account_id"] = json!(account);
    body["detail"]["transaction"]["entries"][0]["account_id"] = json!(account);
    event["Records"][0]["body"] = json!(body.to_string());
    event
}

/// The sample is the contract: it opens the accounts that it needs, and is once however often it comes.
#[tokio::test]
async fn another_system_posts_once_however_often_its_event_comes() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    for _ in 0..2 {
        let answer = world.invoke("take_postings", &request("payment-1", "alice", "processor:stripe")).await?;
        ensure!(answer == json!({"batchItemFailures": []}), "{answer}");
    }
    let shown = call(&mut world, "GET", "/accounts/processor:stripe", Value::Null).await?;
    assert_eq!(shown["balance_minor"], 1000);
    assert_eq!(call(&mut world, "GET", "/transactions/payment-1", Value::Null).await?["state"], "posted");
    Ok(())
}

/// Money that the books lack is no message to forget: it comes again, and ends where a person looks.
#[tokio::test]
async fn what_cannot_be_posted_is_kept_for_a_person() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    for bad in [request("payment-1", "al#ice", "cash"), request("payment-1", "alice", "Cash")] {
        let answer = world.invoke("take_postings", &bad).await?;
        ensure!(answer["batchItemFailures"][0]["itemIdentifier"].is_string(), "{answer}");
    }
    Ok(())
}

/// A hold is asked for as well, and is the same when its event comes after its time.
#[tokio::test]
async fn another_system_holds() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    let mut hold = request("hold-1", "alice", "processor:stripe");
    let mut body: Value = serde_json::from_str(hold["Records"][0]["body"].as_str().unwrap_or_default())?;
    body["detail"]["transaction"]["pending"] = json!(true);
    body["detail"]["transaction"]["expires_at"] = json!(world.clock.now() + std::time::Duration::from_secs(60));
    hold["Records"][0]["body"] = json!(body.to_string());
    for state in ["pending", "expired"] {
        let answer = world.invoke("take_postings", &hold).await?;
        ensure!(answer == json!({"batchItemFailures": []}), "{answer}");
        world.clock.advance(std::time::Duration::from_secs(60));
        if state == "expired" {
            world.invoke("sweep_due", &json!({})).await?;
            world.drain("expire_transactions", Delivery::Once).await?;
        }
        assert_eq!(call(&mut world, "GET", "/transactions/hold-1", Value::Null).await?["state"], state);
    }
    Ok(())
}

/// What was held, posted and let go: each once, in an event that is the same when it is told again.
#[tokio::test]
async fn the_bus_is_told() -> Result<()> {
    let mut world = WORLDS.make_with(&[], Some(Faults::seeded(1))).await?;
    super::statements::open(&mut world).await?;
    let hold = |id: &str| {
        let mut hold = super::transfer(id, 5);
        hold["pending"] = json!(true);
        hold
    };
    call(&mut world, "POST", "/transactions", super::transfer("t1", 5)).await?;
    call(&mut world, "POST", "/transactions/t1/reverse", json!({})).await?;
    for (id, end) in [("h1", "post"), ("h2", "void")] {
        call(&mut world, "POST", "/transactions", hold(id)).await?;
        call(&mut world, "POST", &format!("/transactions/{id}/{end}"), json!({})).await?;
    }
    world.stream("publish_changes", Delivery::TwiceShuffled(1)).await?;
    let mut told = std::collections::BTreeSet::new();
    for entry in world.published() {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap_or_default())?;
        ensure!(entry["Source"] == "almanac.ledger" && detail["tenant"] == "alice", "{entry}");
        told.insert(detail["id"].as_str().unwrap_or_default().to_owned());
    }
    let expected = [
        "h1#TransactionHeld",
        "h1#TransactionPosted",
        "h2#TransactionHeld",
        "h2#TransactionVoided",
        "reversal-of:t1#TransactionPosted",
        "t1#TransactionPosted",
    ];
    assert_eq!(told.into_iter().collect::<Vec<_>>(), expected.map(|id| format!("alice#{id}")));
    Ok(())
}
