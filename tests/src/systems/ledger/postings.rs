//! What other systems ask for, and what they are told.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

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

/// What was held, posted and let go: each once, in an event that is the same when it is told again.
#[test]
fn the_bus_is_told() {
    super::check_books(
        "alice POST /transactions {transaction_id: t1, entries: [{account_id: cash, side: debit, amount_minor: 5, currency: EUR}, {account_id: sales, side: credit, amount_minor: 5, currency: EUR}]}  201
         alice POST /transactions {transaction_id: h1, pending: true, entries: [{account_id: cash, side: debit, amount_minor: 5, currency: EUR}, {account_id: sales, side: credit, amount_minor: 5, currency: EUR}]}  201
         alice POST /transactions/h1/void  200
         stream publish_changes twice",
    );
}
