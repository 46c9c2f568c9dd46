//! Statements, and balances of the past.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ledger::App;
use ledger::domain::Checkpoint;
use serde_json::{Value, json};
use testkit::{Delivery, World};

use super::{WORLDS, check_books, transfer};

/// Calls as alice does.
pub(super) async fn call(world: &mut World<App>, method: &str, path: &str, body: Value) -> Result<Value> {
    let body = Some(body).filter(|body| !body.is_null());
    let scopes = ("alice", "ledger:read ledger:write", "pro");
    let answer = world.http(method, path, &[], body.as_ref(), Some(scopes)).await?;
    let status = answer["statusCode"].as_u64().unwrap_or_default();
    ensure!(status < 300, "{method} {path}: {answer}");
    Ok(serde_json::from_str(answer["body"].as_str().context("a body")?)?)
}

/// Opens `cash`, which may not owe, and `sales` and `fees`, which may.
pub(super) async fn open(world: &mut World<App>) -> Result<()> {
    let sales = json!({"account_id": "sales", "type": "income", "currency": "EUR", "may_go_negative": true});
    let fees =
        json!({"account_id": "fees", "type": "expense", "currency": "EUR", "may_go_negative": true, "shards": 4});
    for account in [json!({"account_id": "cash", "type": "asset", "currency": "EUR"}), sales, fees] {
        call(world, "POST", "/accounts", account).await?;
    }
    Ok(())
}

/// All entries of `fees`, read in pages of so many.
async fn entries(world: &mut World<App>, limit: u16) -> Result<Vec<Value>> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = call(world, "GET", &format!("/accounts/fees/entries?limit={limit}{cursor}"), Value::Null).await?;
        items.extend(page["items"].as_array().context("items")?.clone());
        let Some(next) = page["next_cursor"].as_str() else { return Ok(items) };
        cursor = format!("&cursor={next}");
    }
}

#[test]
fn a_statement_has_a_running_balance_and_pages() {
    check_books(
        "alice POST /transactions {transaction_id: a, entries: [{account_id: cash, side: debit, amount_minor: 100, currency: EUR}, {account_id: sales, side: credit, amount_minor: 100, currency: EUR}]}  201
         clock +60s
         alice POST /transactions {transaction_id: b, entries: [{account_id: cash, side: credit, amount_minor: 30, currency: EUR}, {account_id: sales, side: debit, amount_minor: 30, currency: EUR}]}  201
         clock +60s
         alice POST /transactions {transaction_id: c, description: Third, entries: [{account_id: cash, side: debit, amount_minor: 5, currency: EUR}, {account_id: sales, side: credit, amount_minor: 5, currency: EUR}]}  201
         alice GET  /accounts/cash/entries?limit=2  200 {opening_balance_minor: 0, closing_balance_minor: 70, next_cursor: $next}
         alice GET  /accounts/cash/entries?limit=2&cursor=$next  200 {opening_balance_minor: 70, closing_balance_minor: 75, items: [{transaction_id: c, side: debit, amount_minor: 5, balance_minor: 75, description: Third}]}
         alice GET  /accounts/cash/entries?from=2027-01-15T08:01:00Z&until=2027-01-15T08:01:30Z  200 {opening_balance_minor: 100, closing_balance_minor: 70, items: [{transaction_id: b, side: credit, balance_minor: 70}]}
         alice GET  /accounts/sales/entries?cursor=$next  400 invalid-cursor
         alice GET  /accounts/cash/entries?from=2027-01-15T08:01:00Z&until=2027-01-15T08:00:30Z  422 time-invalid
         alice GET  /accounts/cash?as_of=2027-01-15T07:00:00Z  200 {balance_minor: 0, final: true}
         alice GET  /accounts/cash?as_of=1066-10-14T09:00:00Z  200 {balance_minor: 0, final: true}
         alice GET  /accounts/cash?as_of=2027-01-15T08:00:59Z  200 {balance_minor: 100, final: false}
         alice GET  /accounts/cash?as_of=2027-01-15T08:01:00Z  200 {balance_minor: 70}
         alice GET  /accounts/cash?as_of=2027-01-16T00:00:00Z  422 time-invalid
         bob   GET  /accounts/cash/entries  404 account-not-found",
    );
}

/// An account of several shards is one account: its entries are in order, and its balance is of one instant.
#[tokio::test]
async fn a_sharded_accounts_statement_is_in_order() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    open(&mut world).await?;
    for number in 0..30 {
        world.clock.advance(Duration::from_millis(1));
        let fee = json!({"transaction_id": format!("t{number}"), "entries": [
            {"account_id": "fees", "side": "debit", "amount_minor": number + 1, "currency": "EUR"},
            {"account_id": "sales", "side": "credit", "amount_minor": number + 1, "currency": "EUR"},
        ]});
        call(&mut world, "POST", "/transactions", fee).await?;
    }
    let items = entries(&mut world, 7).await?;
    let ids: Vec<String> = (0..30).map(|number| format!("t{number}")).collect();
    assert_eq!(items.iter().map(|item| item["transaction_id"].clone()).collect::<Vec<_>>(), ids);
    assert_eq!(items[29]["balance_minor"], 465);
    assert_eq!(call(&mut world, "GET", "/accounts/fees", Value::Null).await?["balance_minor"], 465);
    Ok(())
}

/// After so many changes a checkpoint is made, and a balance of the past is counted from there: what it costs does not
/// grow with what came before.
#[tokio::test]
async fn a_balance_of_the_past_is_counted_from_the_last_checkpoint() -> Result<()> {
    let mut world = WORLDS.make(&[("CHECKPOINT_EVERY", "10")]).await?;
    open(&mut world).await?;
    for number in 0..25_u64 {
        if number == 15 {
            world.clock.advance(Duration::from_secs(3600));
        }
        call(&mut world, "POST", "/transactions", transfer(&format!("t{number}"), 1)).await?;
    }
    world.stream("checkpoint_balances", Delivery::TwiceShuffled(1)).await?;
    let table = dynamo::Table::new(world.sdk().dynamodb(), world.env("TABLE"));
    let made: Vec<Checkpoint> = table.query("C#alice#cash#00").strong().page(10).await?.items;
    let sums: Vec<_> = made.iter().map(|it| (it.before, it.debits.as_str())).collect();
    let before = world.clock.now() - Duration::from_secs(300);
    assert_eq!(sums, [(before, "15")], "what is younger than five minutes may not be all there");
    world.clock.advance(Duration::from_secs(1));
    let now = world.clock.now();
    let past = call(&mut world, "GET", &format!("/accounts/cash?as_of={now}"), Value::Null).await?;
    assert_eq!(past["balance_minor"], 25);
    let earlier = now - Duration::from_secs(310);
    let past = call(&mut world, "GET", &format!("/accounts/cash?as_of={earlier}"), Value::Null).await?;
    assert_eq!((&past["balance_minor"], &past["final"]), (&json!(15), &json!(true)));
    Ok(())
}

/// What piles up without a checkpoint is noted in steps, and counted from the nearest one, in an account of several
/// shards as well.
#[tokio::test]
async fn very_many_entries_are_noted_in_steps() -> Result<()> {
    let mut world = WORLDS.make(&[("CHECKPOINT_EVERY", "10"), ("CHECKPOINT_STEP", "3")]).await?;
    open(&mut world).await?;
    let start = world.clock.now();
    for number in 0..40_u64 {
        world.clock.advance(Duration::from_secs(1));
        let mut fee = transfer(&format!("t{number}"), number + 1);
        fee["entries"][0]["account_id"] = json!("fees");
        call(&mut world, "POST", "/transactions", fee).await?;
    }
    world.clock.advance(Duration::from_secs(3600));
    world.stream("checkpoint_balances", Delivery::TwiceShuffled(1)).await?;
    let table = dynamo::Table::new(world.sdk().dynamodb(), world.env("TABLE"));
    let made: Vec<Checkpoint> = table.query("C#alice#sales#00").strong().page(100).await?.items;
    ensure!(made.len() >= 13, "{made:?}");
    for seconds in 0..=41_u64 {
        let at = start + Duration::from_millis(seconds * 1000 + 500);
        let sum = seconds.min(40) * (seconds.min(40) + 1) / 2;
        for account in ["fees", "sales"] {
            let past = call(&mut world, "GET", &format!("/accounts/{account}?as_of={at}"), Value::Null).await?;
            assert_eq!(past["balance_minor"], sum, "{account} after {seconds} s");
        }
    }
    Ok(())
}

/// Entries of one millisecond, in several shards: each is in one page.
#[tokio::test]
async fn entries_of_one_instant_are_told_once_each() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    open(&mut world).await?;
    for number in 0..25 {
        let mut fee = transfer(&format!("t{number:02}"), 1);
        fee["entries"][0]["account_id"] = json!("fees");
        call(&mut world, "POST", "/transactions", fee).await?;
    }
    let items = entries(&mut world, 4).await?;
    let ids: Vec<String> = (0..25).map(|number| format!("t{number:02}")).collect();
    assert_eq!(items.iter().map(|item| item["transaction_id"].clone()).collect::<Vec<_>>(), ids);
    Ok(())
}
