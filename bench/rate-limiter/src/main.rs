//! `make bench`: the limiter beside rate-limiter-flexible's (npm, unmodified), in one run on the same local DynamoDB,
//! by the same steps: 32 clients at once on one key, round after round, then one client alone. Writes the table in
//! functions/rate-limiter/README.md.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws::env::Env;
use aws::{Invocation, Sdk};
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use limiter::{Algorithm, Dimension, Lease, Limit, Limiter, Mode, Policy, Reason, Space, Subject, Sync};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant as Tick;
use types::{Clock, Secret, Tier, random};

const CLIENTS: usize = 32;
const ROUNDS: usize = 20;
const CHECKS: usize = 4;
const POINTS: u64 = 50;
const DAY: u32 = 86_400;
const ALONE: usize = 300;
const ALONE_KEYS: usize = 30;

/// What a contender did.
#[derive(Debug, Default)]
struct Row {
    name: &'static str,
    over: u64,
    under: u64,
    errors: u64,
    contended: [f64; 2],
    alone: [f64; 2],
    p50_ms: f64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let bucket = Policy::of(vec![Dimension::new("user", Limit::new(POINTS, DAY))]);
    let hedged = Policy { mode: Mode::Hedged, ..bucket.clone() };
    let window = Policy { algorithm: Algorithm::FixedWindow, ..bucket.clone() };
    let lease = Some(Lease { units: 5, milliseconds: 60_000 });
    let leased = Policy { mode: Mode::NeverOver, lease, ..bucket.clone() };
    let sync = Some(Sync { every: 1, milliseconds: 60_000 });
    let untold = Policy { mode: Mode::NeverUnder, sync, ..bucket.clone() };
    let rows = [
        ours("almanac, token bucket", &bucket).await?,
        flexible("rate-limiter-flexible", false)?,
        ours("almanac, token bucket, hedged", &hedged).await?,
        ours("almanac, fixed window", &window).await?,
        ours("almanac, never_over, leases of 5", &leased).await?,
        ours("almanac, never_under, told of after 1", &untold).await?,
        flexible("rate-limiter-flexible, remembering used-up keys", true)?,
    ];
    let theirs = rows[1].p50_ms;
    let columns = [
        "",
        "Over",
        "Under",
        "Errors",
        "Round trips, contended",
        "Write units, contended",
        "Round trips, alone",
        "Write units, alone",
        "Latency alone, p50",
    ];
    let mut table = format!("| {} |\n|{}\n", columns.join(" | "), " --- |".repeat(columns.len()));
    for row in &rows {
        let Row { name, over, under, errors, contended, alone, p50_ms } = row;
        let ratio = p50_ms / theirs;
        table.push_str(&format!(
            "| {name} | {over} | {under} | {errors} | {:.2} | {:.2} | {:.2} | {:.2} | {ratio:.2} × |\n",
            contended[0], contended[1], alone[0], alone[1]
        ));
    }
    say(&table);
    write(&table)
}

#[allow(clippy::print_stdout)] // what it is for
fn say(text: &str) {
    println!("{text}");
}

/// A sandbox: a connection and a memory of its own.
fn sandbox(table: &str) -> Result<Limiter> {
    let sdk = Sdk::from_env(&Env::of_process())?;
    let secret = Secret::new("a secret that only benches know, long enough")?;
    Ok(Limiter::new(dynamo::Table::new(sdk.dynamodb(), table), secret.key("limits")))
}

/// One check and what it cost: admitted or not, round trips, write units.
async fn check(limiter: &Limiter, policy: &Policy, key: &str) -> Result<(bool, f64, f64)> {
    let (space, keys) = (Space::Tenant("bench".to_owned()), BTreeMap::from([("user".to_owned(), key.to_owned())]));
    let subject = Subject { space: &space, id: "bench", policy, tier: Tier::Free, keys: &keys };
    let invocation = Invocation::new("bench", Duration::from_secs(30));
    let decision = invocation.scope(limiter.check(&subject, 1, Clock::system().now())).await?;
    ensure!([Reason::Admitted, Reason::Denied].contains(&decision.reason), "{decision:?}");
    let meter = invocation.meter();
    Ok((decision.allowed, meter.round_trips.into(), meter.write_units))
}

async fn ours(name: &'static str, policy: &Policy) -> Result<Row> {
    let policy = Policy { deadline_ms: 5000, ..policy.clone() };
    let table = create_table().await?;
    let sandboxes = (0..CLIENTS).map(|_| sandbox(&table)).collect::<Result<Vec<_>>>()?;
    let (mut row, mut spent) = (Row { name, ..Row::default() }, [0.0; 2]);
    for number in 0..ROUNDS {
        let mut clients = JoinSet::new();
        for limiter in &sandboxes {
            let (limiter, policy) = (limiter.clone(), policy.clone());
            clients.spawn(async move {
                let mut seen = (0, 0.0, 0.0);
                for _ in 0..CHECKS {
                    let (admitted, trips, units) = check(&limiter, &policy, &format!("round-{number}")).await?;
                    seen = (seen.0 + u64::from(admitted), seen.1 + trips, seen.2 + units);
                }
                anyhow::Ok(seen)
            });
        }
        let mut admitted = 0;
        for seen in clients.join_all().await {
            let (own, trips, units) = seen?;
            admitted += own;
            spent = [spent[0] + trips, spent[1] + units];
        }
        row.over += admitted.saturating_sub(POINTS);
        row.under += POINTS.saturating_sub(admitted);
    }
    let checks = (ROUNDS * CLIENTS * CHECKS) as f64;
    row.contended = spent.map(|spent| spent / checks);
    let (mut latencies, mut spent) = (Vec::new(), [0.0; 2]);
    for number in 0..ALONE {
        let began = Tick::now();
        let (_, trips, units) = check(&sandboxes[0], &policy, &format!("alone-{}", number % ALONE_KEYS)).await?;
        latencies.push(began.elapsed().as_secs_f64() * 1000.0);
        spent = [spent[0] + trips, spent[1] + units];
    }
    latencies.sort_by(f64::total_cmp);
    row.p50_ms = latencies[ALONE / 2];
    row.alone = spent.map(|spent| spent / ALONE as f64);
    Ok(row)
}

async fn create_table() -> Result<String> {
    let sdk = Sdk::from_env(&Env::of_process())?;
    let name = format!("bench-{}", random::base62(8));
    let mut request = sdk.dynamodb().create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let text = ScalarAttributeType::S;
        let definition = AttributeDefinition::builder().attribute_name(attribute).attribute_type(text).build()?;
        let key = KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build()?;
        request = request.attribute_definitions(definition).key_schema(key);
    }
    request.send().await?;
    Ok(name)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The same steps by `flexible.cjs`.
fn flexible(name: &'static str, remember_used_up: bool) -> Result<Row> {
    let config = json!({
        "clients": CLIENTS, "rounds": ROUNDS, "checks_per_client": CHECKS, "points": POINTS, "duration_seconds": DAY,
        "sequential": ALONE, "sequential_keys": ALONE_KEYS, "remember_used_up": remember_used_up,
    });
    let mut node = Command::new(repository().join(".local/clients/bin/node"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("flexible.cjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("node of .local/clients: run `make bench`")?;
    node.stdin.take().context("piped")?.write_all(config.to_string().as_bytes())?;
    let output = node.wait_with_output()?;
    ensure!(output.status.success(), "flexible.cjs failed");
    let figures: Value = serde_json::from_slice(&output.stdout)?;
    let number = |place: &Value| place.as_f64().with_context(|| format!("{figures}"));
    let whole = |name: &str| figures[name].as_u64().with_context(|| format!("{name} in {figures}"));
    let costs = |part: &str| -> Result<[f64; 2]> {
        Ok([number(&figures[part]["round_trips_per_check"])?, number(&figures[part]["write_units_per_check"])?])
    };
    Ok(Row {
        name,
        over: whole("over")?,
        under: whole("under")?,
        errors: whole("errors")?,
        contended: costs("contended")?,
        alone: costs("sequential")?,
        p50_ms: number(&figures["latency_ms"]["p50"])?,
    })
}

/// Puts the table where the README keeps it.
fn write(table: &str) -> Result<()> {
    const MARKS: [&str; 2] = ["<!-- bench: begin (measured; `make bench` writes it) -->\n", "<!-- bench: end -->"];
    let path = repository().join("functions/rate-limiter/README.md");
    let text = std::fs::read_to_string(&path)?;
    let (before, rest) = text.split_once(MARKS[0]).context("no place for the table in the README")?;
    let (_, after) = rest.split_once(MARKS[1]).context("no end of the place for the table")?;
    Ok(std::fs::write(path, format!("{before}{}{table}{}{after}", MARKS[0], MARKS[1]))?)
}
