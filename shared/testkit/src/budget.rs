//! Budgets: what each operation of a system was measured to do, what that costs, and the table in the system's README
//! that may not grow unnoticed.

pub(crate) mod indexes;
mod table;

use anyhow::{Context as _, Result, ensure};
use aws::env::Env;
use aws::invocation::Meter;
use runtime::Trigger;
use serde_json::Value;

use crate::scenario::measure;
use crate::template::repository;
use crate::world::Worlds;

/// What one operation did, and costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// The Lambda.
    pub handler: &'static str,
    /// What it was asked to do.
    pub operation: String,
    /// Calls to AWS, each name with its number.
    pub calls: String,
    /// Calls that had to wait for each other.
    pub round_trips: u32,
    /// Whether that is another number from run to run: messages of one batch are handled at the same time, and which of
    /// their calls overlap is the machine's.
    pub varies: bool,
    /// DynamoDB read units.
    pub read_units: f64,
    /// DynamoDB write units of the table.
    pub write_units: f64,
    /// DynamoDB write units of its indexes, from the items before and after.
    pub index_units: f64,
    /// Messages and events sent.
    pub messages: u32,
    /// Bytes of bodies sent to AWS and received from it.
    pub bytes: u64,
    /// US dollars for a million of it, as far as they follow from the rest: requests to API Gateway and Lambda, units,
    /// messages, events.
    pub dollars: f64,
}

/// `budget ~ a batch`: its round trips vary.
const VARIES: &str = "~ ";

/// What a scenario's line `budget` saw.
#[derive(Debug)]
pub(crate) struct Measured {
    pub handler: &'static str,
    pub operation: String,
    pub meter: Meter,
    pub index_units: f64,
    pub trigger: Trigger,
}

/// Plays each script in a world of its own and holds what the `budget` lines measured to the table in the system's
/// README; with `ALMANAC_BUDGETS=write` the table is rewritten instead (`make budgets`).
///
/// # Panics
/// When a line fails, a Lambda has no budget, or a figure is not the table's.
#[track_caller]
#[allow(clippy::panic)]
pub fn budgets<A: Clone + Send + Sync + 'static>(worlds: &Worlds<A>, scripts: &[&str]) -> Vec<Budget> {
    compared(worlds, scripts).unwrap_or_else(|error| panic!("{error:?}"))
}

fn compared<A: Clone + Send + Sync + 'static>(worlds: &Worlds<A>, scripts: &[&str]) -> Result<Vec<Budget>> {
    let prices = Prices::read()?;
    let mut budgets = Vec::new();
    for script in scripts {
        budgets.extend(measure(worlds, &[], script)?.into_iter().map(|measured| prices.budget(measured)));
    }
    let system = (worlds.system)();
    let without = system.rows().iter().map(|row| row.handler).filter(|of| budgets.iter().all(|b| b.handler != *of));
    let without: Vec<_> = without.collect();
    ensure!(without.is_empty(), "no line `budget …` follows a call of {}", without.join(", "));
    let place = format!("functions/{}/README.md", system.name());
    let path = repository().join(&place);
    let readme = std::fs::read_to_string(&path).with_context(|| place.clone())?;
    let (updated, differences) = table::updated(&readme, &budgets, &prices.caption()).context(place.clone())?;
    if Env::of_process().get("ALMANAC_BUDGETS") == Some("write") {
        std::fs::write(&path, updated).context(place)?;
    } else {
        let told = differences.join("\n  ");
        ensure!(updated == readme, "{place}: the budgets changed; if on purpose, run `make budgets`:\n  {told}");
    }
    Ok(budgets)
}

/// The price list.
struct Prices(Value);

impl Prices {
    fn read() -> Result<Self> {
        Ok(Self(serde_json::from_str(include_str!("../prices.json")).context("prices.json")?))
    }

    fn of(&self, what: &str) -> f64 {
        self.0["per_million"][what]["usd"].as_f64().unwrap_or(f64::NAN)
    }

    fn caption(&self) -> String {
        let text = |name: &str| self.0[name].as_str().unwrap_or_default();
        format!("prices of {} in {}, [prices.json](../../shared/testkit/prices.json)", text("date"), text("region"))
    }

    fn budget(&self, measured: Measured) -> Budget {
        let Measured { handler, operation, meter, index_units, trigger } = measured;
        // The gateway asks the authorizer, a Lambda too, before each request that needs a scope.
        let (requests, invocations) = match trigger {
            Trigger::Http { access, .. } => (1.0, 1.0 + f64::from(u8::from(access.scope().is_some()))),
            Trigger::Unrouted => (1.0, 1.0),
            _ => (0.0, 1.0),
        };
        let dollars = requests * self.of("api_request")
            + invocations * self.of("lambda_request")
            + meter.read_units * self.of("read_unit")
            + (meter.write_units + index_units) * self.of("write_unit")
            + f64::from(meter.sqs_requests) * self.of("sqs_request")
            + f64::from(meter.events) * self.of("event")
            + f64::from(meter.calls.get("S3.GetObject").copied().unwrap_or_default()) * self.of("object_read");
        let calls = meter.calls.iter().map(|(call, count)| {
            let name = call.split_once('.').map_or(call.as_str(), |(_, name)| name);
            format!("{count} `{name}`")
        });
        let varies = operation.starts_with(VARIES);
        Budget {
            handler,
            operation: operation.trim_start_matches(VARIES).to_owned(),
            varies,
            calls: calls.collect::<Vec<_>>().join(", "),
            round_trips: meter.round_trips,
            read_units: meter.read_units,
            write_units: meter.write_units,
            index_units,
            messages: meter.messages,
            bytes: meter.bytes_sent + meter.bytes_received,
            dollars,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(trigger: Trigger) -> Measured {
        let meter = Meter { read_units: 2.0, write_units: 3.0, sqs_requests: 1, events: 1, ..Meter::default() };
        Measured { handler: "feed_cat", operation: "once".to_owned(), meter, index_units: 1.0, trigger }
    }

    #[test]
    fn every_price_is_there_and_a_route_costs_its_gateway_and_its_authorizer() -> Result<()> {
        let prices = Prices::read()?;
        let aws = 2.0 * 0.125 + 4.0 * 0.625 + 0.4 + 1.0;
        let http = |access| Trigger::Http { method: ureq::http::Method::GET, path: "/cats", access };
        for (trigger, rest) in [
            (Trigger::Stream, 0.2),
            (Trigger::Unrouted, 1.2),
            (http(web::Access::Public), 1.2),
            (http(web::Access::Scope("cats:read")), 1.4),
        ] {
            let dollars = prices.budget(measured(trigger)).dollars;
            assert!((dollars - aws - rest).abs() < 1e-9, "{dollars}");
        }
        Ok(())
    }
}
