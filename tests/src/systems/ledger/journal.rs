//! The books as text.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::statements::{call, open};
use super::{WORLDS, transfer};

/// All pages of the export, appended.
async fn export(world: &mut testkit::World<ledger::App>, query: &str) -> Result<(String, usize)> {
    let (mut text, mut pages, mut target) = (String::new(), 0, format!("/ledger/export?{query}"));
    loop {
        let answer = world.http("GET", &target, &[], None, Some(("alice", "ledger:read", "pro"))).await?;
        ensure!(answer["statusCode"] == 200, "{answer}");
        text.push_str(answer["body"].as_str().context("a body")?);
        pages += 1;
        let Some(link) = answer["headers"]["link"].as_str() else { return Ok((text, pages)) };
        let next = link.strip_prefix("<?").and_then(|link| link.strip_suffix(">; rel=\"next\""));
        target = format!("/ledger/export?{}", next.with_context(|| link.to_owned())?);
    }
}

#[tokio::test]
async fn the_export_is_a_journal() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    open(&mut world).await?;
    let mut sale = transfer("sale-1", 1234);
    sale["description"] = json!("A \"sale\"; at noon");
    call(&mut world, "POST", "/transactions", sale).await?;
    let mut hold = transfer("hold-1", 5);
    hold["pending"] = json!(true);
    call(&mut world, "POST", "/transactions", hold.clone()).await?;
    hold["transaction_id"] = json!("hold-2");
    call(&mut world, "POST", "/transactions", hold).await?;
    world.clock.advance(std::time::Duration::from_secs(86_400));
    call(&mut world, "POST", "/transactions/hold-2/post", json!({})).await?;
    let (young, _) = export(&mut world, "from=2027-01-16T00:00:00Z").await?;
    assert!(!young.contains("hold-2"), "what is younger than five minutes may not be all there");
    world.clock.advance(std::time::Duration::from_secs(600));
    let (hledger, _) = export(&mut world, "from=2027-01-01T00:00:00Z").await?;
    let expected = "commodity 1000.00 EUR\naccount Assets:Cash\naccount Expenses:Fees\naccount Income:Sales\n\n\
        2027-01-15 * (sale-1) A \"sale\", at noon\n  Assets:Cash  12.34 EUR\n  Income:Sales  -12.34 EUR\n\n\
        2027-01-16 * (hold-2) \n  Assets:Cash  0.05 EUR\n  Income:Sales  -0.05 EUR\n\n";
    assert_eq!(hledger, expected, "what is only held is in no journal");
    let (beancount, _) =
        export(&mut world, "format=beancount&from=2027-01-15T00:00:00Z&until=2027-01-15T23:00:00Z").await?;
    let expected = "2027-01-15 open Assets:Cash EUR\n2027-01-15 open Expenses:Fees EUR\n2027-01-15 open Income:Sales EUR\n\n\
        2027-01-15 * \"A \\\"sale\\\"; at noon\"\n  id: \"sale-1\"\n  Assets:Cash  12.34 EUR\n  Income:Sales  -12.34 EUR\n\n";
    assert_eq!(beancount, expected);
    Ok(())
}

/// Pages end anywhere in a day, and each transaction is in one of them. An export that goes on where another ended tells
/// nothing twice.
#[tokio::test]
async fn a_days_journal_comes_in_pages() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    open(&mut world).await?;
    let mut middle = world.clock.now();
    for number in 0..23 {
        if number % 3 == 0 {
            world.clock.advance(std::time::Duration::from_millis(1));
        }
        if number == 12 {
            middle = world.clock.now();
        }
        call(&mut world, "POST", "/transactions", transfer(&format!("t{number:02}"), 1)).await?;
    }
    world.clock.advance(std::time::Duration::from_secs(3600));
    let ids = |text: &str| {
        let ids = text.lines().filter_map(|line| Some(line.split_once('(')?.1.split(')').next()?.to_owned()));
        ids.collect::<Vec<_>>()
    };
    let expected: Vec<String> = (0..23).map(|number| format!("t{number:02}")).collect();
    for limit in [1, 4, 5, 23, 24] {
        let (text, _) = export(&mut world, &format!("from=2027-01-15T00:00:00Z&limit={limit}")).await?;
        assert_eq!(ids(&text), expected, "pages of {limit}");
    }
    let (before, _) = export(&mut world, &format!("from=2027-01-15T00:00:00Z&until={middle}")).await?;
    let (after, _) = export(&mut world, &format!("from={middle}")).await?;
    assert_eq!([ids(&before), ids(&after)].concat(), expected);
    Ok(())
}

/// Empty days are passed over, a month at a time, and each transaction is in one page.
#[tokio::test]
async fn a_years_journal_comes_in_pages() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    open(&mut world).await?;
    for number in 0..12 {
        call(&mut world, "POST", "/transactions", transfer(&format!("t{number}"), 1)).await?;
        world.clock.advance(std::time::Duration::from_secs(30 * 86_400));
    }
    let (text, pages) = export(&mut world, "from=2027-01-01T00:00:00Z").await?;
    let told: Vec<String> =
        text.lines().filter_map(|line| Some(line.split_once('(')?.1.split(')').next()?.to_owned())).collect();
    assert_eq!(told, (0..12).map(|number| format!("t{number}")).collect::<Vec<_>>());
    assert!((12..=14).contains(&pages), "{pages}");
    let refused = world
        .http(
            "GET",
            "/ledger/export?from=2027-01-02T00:00:00Z&until=2027-01-01T00:00:00Z",
            &[],
            None,
            Some(("alice", "ledger:read", "pro")),
        )
        .await?;
    ensure!(refused["statusCode"] == 422, "{refused}");
    let forged: Value = world
        .http(
            "GET",
            "/ledger/export?from=2027-01-01T00:00:00Z&cursor=AAAA",
            &[],
            None,
            Some(("alice", "ledger:read", "pro")),
        )
        .await?;
    ensure!(forged["statusCode"] == 400, "{forged}");
    Ok(())
}
