//! Plays a scenario: lines that read like the API's documentation.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use runtime::Trigger;
use serde_json::Value;

use crate::budget::{Measured, indexes};
use crate::cloud::upload;
use crate::feed::Delivery;
use crate::script::{Line, Request, Work, parse, value};
use crate::template::Template;
use crate::world::{World, Worlds};

/// Plays `script` in a world of its own. Panics at the first line that is not as written, which is what a test does.
///
/// Names: a `$name` in an answer that is not known yet is learned; elsewhere it stands for what was learned.
///
/// # Panics
/// When a line fails.
#[track_caller]
#[allow(clippy::panic)]
pub fn play<A: Clone + Send + Sync + 'static>(worlds: &Worlds<A>, changes: &[(&str, &str)], script: &str) {
    if let Err(error) = measure(worlds, changes, script) {
        panic!("{error:?}");
    }
}

/// Plays `script` and returns what its `budget` lines measured.
pub(crate) fn measure<A: Clone + Send + Sync + 'static>(
    worlds: &Worlds<A>,
    changes: &[(&str, &str)],
    script: &str,
) -> Result<Vec<Measured>> {
    let run = async {
        let world = worlds.make(changes).await?;
        let mut play = Play { world, learned: BTreeMap::new(), answer: Value::Null, measured: Vec::new() };
        let mut lines = script.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let budget = lines.next_if(|(_, next)| matches!(parse(next), Ok(Some(Line::Budget(_)))));
            let step = match budget.map(|(_, budget)| parse(budget)) {
                Some(Ok(Some(Line::Budget(operation)))) => play.budget(line, operation).await,
                _ => play.line(line).await,
            };
            step.with_context(|| format!("line {}: {}", number + 1, line.trim()))?;
        }
        Ok(play.measured)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting tokio")?;
    runtime.block_on(run)
}

struct Play<A> {
    world: World<A>,
    learned: BTreeMap<String, String>,
    /// The last answer over HTTP.
    answer: Value,
    measured: Vec<Measured>,
}

impl<A: Clone + Send + Sync + 'static> Play<A> {
    async fn line(&mut self, line: &str) -> Result<()> {
        match parse(line)? {
            None => Ok(()),
            Some(Line::Clock(span)) => {
                self.world.clock.advance(span);
                Ok(())
            }
            Some(Line::Queue(handler, work)) => {
                let count = self.world.drain(&handler, delivery(&work)).await?;
                expect_count(&work, count)
            }
            Some(Line::Stream(handler, work)) => {
                let handler = self.world.handler(&handler)?;
                let count = self.world.stream(handler, delivery(&work)).await?;
                expect_count(&work, count)
            }
            Some(Line::Schedule(handler)) => self.world.invoke(&handler, &serde_json::json!({})).await.map(drop),
            Some(Line::Invoke(handler, event, expected)) => {
                let answer = self.world.invoke(&handler, &value(&self.known(&event))?).await?;
                let expected = value(&self.known(&expected))?;
                if expected.is_null() { Ok(()) } else { self.compare(&expected, &answer, "") }
            }
            Some(Line::Budget(_)) => bail!("it stands right behind the line that it measures"),
            Some(Line::Header(name, wanted)) => {
                let found = self.answer["headers"][&name].as_str().unwrap_or_default();
                ensure!(found == wanted, "{name} is {found:?}");
                Ok(())
            }
            Some(Line::Upload(url, text)) => {
                let status = upload(&self.known(&url), &text)?;
                ensure!(status == 200, "the URL answered {status}");
                Ok(())
            }
            Some(Line::Calls(wanted)) => {
                let record = self.world.records.last().context("nothing was called yet")?;
                let calls: u32 = record.meter.calls.values().sum();
                ensure!(calls == wanted, "{} made {calls} calls: {:?}", record.handler, record.meter.calls);
                Ok(())
            }
            Some(Line::Request(request)) => self.request(*request).await,
        }
    }

    /// Runs a line and keeps what its Lambda did as the budget of `operation`.
    async fn budget(&mut self, line: &str, operation: String) -> Result<()> {
        let (invoked, table) = (self.world.records.len(), self.world.env("TABLE").to_owned());
        let indexes = indexes::of(&Template::of_system(self.world.system().name())?);
        let client = self.world.sdk().dynamodb();
        let items = async || match indexes.is_empty() {
            true => Ok(indexes::Items::new()),
            false => indexes::items(&client, &table).await,
        };
        let before = items().await?;
        self.line(line).await?;
        let after = items().await?;
        let [record] = &self.world.records[invoked..] else { bail!("a budget needs one invocation") };
        ensure!(record.fault.is_none(), "a fault has no budget: {:?}", record.fault);
        let row = self.world.system().rows().iter().find(|row| row.handler == record.handler);
        self.measured.push(Measured {
            handler: record.handler,
            operation,
            meter: record.meter.clone(),
            index_units: indexes::units(&indexes, &before, &after),
            trigger: row.context("a handler has a row")?.trigger.clone(),
        });
        Ok(())
    }

    async fn request(&mut self, request: Request) -> Result<()> {
        let (target, all) = (self.known(&request.target), self.all_scopes());
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.clone(), self.known(value))).collect();
        let body = request.body.as_deref().map(|body| value(&self.known(body))).transpose()?;
        let scopes = request.scopes.clone().unwrap_or(all);
        let caller =
            (request.actor != "anon").then_some((request.actor.as_str(), scopes.as_str(), request.tier.as_str()));
        let answer = self.world.http(&request.method, &target, &headers, body.as_ref(), caller).await?;
        self.answer = answer.clone();
        let status = answer["statusCode"].as_u64().unwrap_or_default();
        ensure!(status == u64::from(request.status), "answered {status}: {}\n{:?}", answer["body"], self.last_fault());
        if request.expected.is_empty() {
            return Ok(());
        }
        let body = answer["body"].as_str().unwrap_or_default();
        match status {
            300..400 => {
                let location = answer["headers"]["location"].as_str().unwrap_or_default();
                ensure!(location == self.known(&request.expected), "leads to {location}");
            }
            400.. => {
                let problem: Value = serde_json::from_str(body)?;
                let kind = problem["type"].as_str().unwrap_or_default();
                ensure!(kind.rsplit('/').next() == Some(&request.expected), "is {kind}: {problem}");
                ensure!(problem["status"] == status, "the problem says {}", problem["status"]);
            }
            _ => {
                let found: Value = serde_json::from_str(body).with_context(|| body.to_owned())?;
                let expected = value(&self.known(&request.expected))?;
                self.compare(&expected, &found, "").with_context(|| found.to_string())?;
            }
        }
        Ok(())
    }

    /// Every expected member must be there and equal; others may be there too.
    fn compare(&mut self, expected: &Value, found: &Value, place: &str) -> Result<()> {
        match (expected, found) {
            (Value::Object(expected), Value::Object(found)) => {
                for (name, expected) in expected {
                    self.compare(expected, found.get(name).unwrap_or(&Value::Null), &format!("{place}.{name}"))?;
                }
                Ok(())
            }
            (Value::Array(expected), Value::Array(found)) => {
                ensure!(expected.len() == found.len(), "{place} has {} items", found.len());
                let pairs = expected.iter().zip(found).enumerate();
                pairs.into_iter().try_for_each(|(i, (one, other))| self.compare(one, other, &format!("{place}[{i}]")))
            }
            (Value::String(name), found) if name.starts_with('$') => {
                let text = found.as_str().with_context(|| format!("{place} is {found}, no text to learn"))?;
                self.learned.insert(name[1..].to_owned(), text.to_owned());
                Ok(())
            }
            _ if expected == found => Ok(()),
            _ => bail!("{place} is {found}, not {expected}"),
        }
    }

    fn known(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in self.learned.iter().rev() {
            text = text.replace(&format!("${name}"), value);
        }
        text
    }

    fn all_scopes(&self) -> String {
        let scopes = self.world.system().rows().iter().filter_map(|row| match row.trigger {
            Trigger::Http { access, .. } => access.scope(),
            _ => None,
        });
        scopes.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    }

    fn last_fault(&self) -> Option<&str> {
        self.world.records.last().and_then(|record| record.fault.as_deref())
    }
}

fn delivery(work: &Work) -> Delivery {
    if !work.twice {
        return Delivery::Once;
    }
    let seed = u64::from_be_bytes(types::random::bytes());
    eprint_seed(seed);
    Delivery::TwiceShuffled(seed)
}

#[allow(clippy::print_stderr)] // a failing test shows it
fn eprint_seed(seed: u64) {
    eprintln!("delivery seed {seed}");
}

fn expect_count(work: &Work, count: usize) -> Result<()> {
    ensure!(work.count.is_none_or(|wanted| wanted == count), "there were {count}");
    Ok(())
}
