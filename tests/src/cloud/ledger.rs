//! The ledger deployed: over HTTP, from the bus, and with what happens by itself.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Cloud, eventually};
use types::Clock;

use super::fresh;
use crate::systems::ledger::transfer;

const LIMIT: Duration = Duration::from_secs(150);
const SCOPES: [&str; 2] = ["ledger:read", "ledger:write"];

/// Opens `cash`, which may not owe, and `sales`, which may.
pub(super) fn open(cloud: &Cloud, key: &str) -> Result<()> {
    for account in [
        json!({"account_id": "cash", "type": "asset", "currency": "EUR"}),
        json!({"account_id": "sales", "type": "income", "currency": "EUR", "may_go_negative": true, "shards": 2}),
    ] {
        call(cloud, key, "POST", "/accounts", Some(&account))?;
    }
    Ok(())
}

fn call(cloud: &Cloud, key: &str, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let answer = cloud.call("ledger", method, path, Some(key), body)?;
    ensure!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
    Ok(answer.body)
}

fn tenant() -> Result<(Cloud, String, String)> {
    let (cloud, name) = (Cloud::connect()?, fresh("tenant"));
    let key = cloud.key(&name, &SCOPES)?;
    Ok((cloud, name, key))
}

#[test]
fn books_are_kept_shown_and_exported() -> Result<()> {
    let (cloud, _, key) = tenant()?;
    open(&cloud, &key)?;
    for (id, amount) in [("a", 500), ("b", 70), ("c", 3)] {
        call(&cloud, &key, "POST", "/transactions", Some(&transfer(id, amount)))?;
    }
    call(&cloud, &key, "POST", "/transactions/c/reverse", Some(&json!({})))?;
    for account in ["cash", "sales"] {
        let shown = call(&cloud, &key, "GET", &format!("/accounts/{account}"), None)?;
        ensure!(shown["balance_minor"] == 570, "{shown}");
    }
    let now = Clock::system().now();
    let past = call(&cloud, &key, "GET", &format!("/accounts/sales?as_of={now}"), None)?;
    ensure!(past["balance_minor"] == 570 && past["final"] == false, "{past}");
    let page = call(&cloud, &key, "GET", "/accounts/cash/entries?limit=3", None)?;
    ensure!(page["items"].as_array().map(Vec::len) == Some(3) && page["closing_balance_minor"] == 573, "{page}");
    let (from, until) = (now - Duration::from_secs(3600), now + Duration::from_secs(60));
    let journal = call(&cloud, &key, "GET", &format!("/ledger/export?from={from}&until={until}"), None)?;
    let text = journal.as_str().context("text")?;
    ensure!(text.contains("(reversal-of:c)") && text.contains("Income:Sales  -5.00 EUR"), "{text}");
    Ok(())
}

#[test]
fn a_hold_expires_at_its_minute() -> Result<()> {
    let (cloud, _, key) = tenant()?;
    open(&cloud, &key)?;
    for (id, at) in [("posted", None), ("expires", Some(Clock::system().now() + Duration::from_secs(3)))] {
        let mut hold = transfer(id, 5);
        hold["pending"] = json!(true);
        if let Some(at) = at {
            hold["expires_at"] = json!(at);
        }
        call(&cloud, &key, "POST", "/transactions", Some(&hold))?;
    }
    call(&cloud, &key, "POST", "/transactions/posted/post", Some(&json!({})))?;
    eventually("a hold to expire", LIMIT, || {
        let shown = call(&cloud, &key, "GET", "/transactions/expires", None)?;
        Ok((shown["state"] == "expired").then_some(()))
    })?;
    let shown = call(&cloud, &key, "GET", "/accounts/cash", None)?;
    ensure!(shown["available_minor"] == 5 && shown["pending_debits_minor"] == 0, "{shown}");
    Ok(())
}

#[test]
fn what_another_system_asks_for_on_the_bus_is_posted() -> Result<()> {
    let (cloud, name, key) = tenant()?;
    let sample = std::fs::read_to_string(testkit::repository().join("events/ledger/take_postings.json"))?;
    let sample: Value = serde_json::from_str(&sample)?;
    let mut event: Value = serde_json::from_str(sample["Records"][0]["body"].as_str().context("a body")?)?;
    event["detail"]["tenant"] = json!(name);
    let entry = json!({
        "EventBusName": format!("{}-almanac", cloud.stage()),
        "Source": "almanac.payments",
        "DetailType": event["detail-type"],
        "Detail": event["detail"].to_string(),
    });
    for _ in 0..2 {
        cloud.aws("events", "AWSEvents.PutEvents", &json!({"Entries": [entry]}))?;
    }
    let id = event["detail"]["transaction"]["transaction_id"].as_str().context("an id")?;
    let shown = eventually("a posting", LIMIT, || {
        let answer = cloud.call("ledger", "GET", &format!("/transactions/{id}"), Some(&key), None)?;
        Ok((answer.status == 200).then_some(answer.body))
    })?;
    ensure!(shown["state"] == "posted", "{shown}");
    Ok(())
}
