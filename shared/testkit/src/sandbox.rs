//! One of Lambda's sandboxes: an App with a memory of its own, one invocation at a time, and an end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws::env::Env;
use runtime::{Function, Record, System, Trigger};
use serde_json::Value;
use tokio::sync::Notify;
use types::{Clock, Fault, random};

use crate::events;
use crate::seen::Seen;

/// A sandbox. One that is killed is followed by a fresh one, with nothing in its memory.
pub struct Sandbox<A> {
    pub(crate) system: System<A>,
    pub(crate) app: fn(&Env, Clock) -> Result<A, Fault>,
    pub(crate) env: Env,
    pub(crate) clock: Clock,
    pub(crate) death: Arc<Notify>,
    seen: Arc<Seen>,
    functions: BTreeMap<&'static str, Function<A>>,
    /// How its invocations ended.
    pub tally: Tally,
}

/// How many invocations ended in which way.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct Tally {
    pub acknowledged: u64,
    pub refused: u64,
    pub failed: u64,
    pub killed: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.failed += other.failed;
        self.killed += other.killed;
    }
}

/// How an invocation ended.
#[derive(Debug)]
pub enum Run {
    /// It answered, or failed; what it did.
    Answered(Result<Value, Fault>, Box<Record>),
    /// Its process died; nobody heard anything.
    Killed,
}

impl Run {
    /// Status of the HTTP answer; 0 where there is none.
    pub fn status(&self) -> u64 {
        let Self::Answered(Ok(answer), _) = self else { return 0 };
        answer["statusCode"].as_u64().unwrap_or_default()
    }

    /// The whole answer; null where there is none.
    pub fn answer(&self) -> &Value {
        let Self::Answered(Ok(answer), _) = self else { return &Value::Null };
        answer
    }

    /// Body of the HTTP answer; null where there is none.
    pub fn body(&self) -> Value {
        let Self::Answered(Ok(answer), _) = self else { return Value::Null };
        answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
    }

    /// Last segment of the problem's type; empty for none.
    pub fn problem(&self) -> String {
        let body = self.body();
        body["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default().to_owned()
    }

    /// What the invocation counted under this name.
    pub fn count(&self, name: &str) -> f64 {
        let Self::Answered(_, record) = self else { return 0.0 };
        record.meter.counts.get(name).copied().unwrap_or_default()
    }
}

impl<A: Clone + Send + Sync + 'static> Sandbox<A> {
    pub(crate) fn start(
        system: System<A>,
        app: fn(&Env, Clock) -> Result<A, Fault>,
        env: Env,
        clock: Clock,
        death: Arc<Notify>,
        seen: Arc<Seen>,
    ) -> Result<Self> {
        let (functions, tally) = (BTreeMap::new(), Tally::default());
        let mut sandbox = Self { system, app, env, clock, death, seen, functions, tally };
        sandbox.restart()?;
        Ok(sandbox)
    }

    /// A cold start.
    fn restart(&mut self) -> Result<()> {
        let app = (self.app)(&self.env, self.clock.clone())?;
        let rows = self.system.rows().iter();
        self.functions = rows.map(|row| (row.handler, Function::new(&self.system, row.handler, app.clone()))).collect();
        Ok(())
    }

    /// The process ends, and what it did with it.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.tally.killed += 1;
        self.restart()
    }

    /// The clock that it reads.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Invokes a Lambda with an event. A death takes the invocation and the sandbox with it.
    ///
    /// # Errors
    /// When there is no such Lambda, or no fresh sandbox can be made.
    pub async fn invoke(&mut self, handler: &str, event: &Value) -> Result<Run> {
        let function = self.functions.get(handler).with_context(|| format!("there is no handler {handler}"))?;
        let (event, id) = (event.to_string(), random::uuid().to_string());
        let outcome = tokio::select! {
            biased;
            () = self.death.notified() => None,
            outcome = function.invoke(&event, &id, Duration::from_secs(20)) => Some(outcome),
        };
        let Some(outcome) = outcome else {
            self.kill()?;
            return Ok(Run::Killed);
        };
        self.seen.note(&outcome.record);
        let answer = match outcome.answer {
            Ok(answer) => Ok(serde_json::from_str(&answer)?),
            Err(fault) => Err(fault),
        };
        match outcome.record.status {
            _ if outcome.record.fault.is_some() => self.tally.failed += 1,
            Some(400..) => self.tally.refused += 1,
            _ => self.tally.acknowledged += 1,
        }
        Ok(Run::Answered(answer, Box::new(outcome.record)))
    }

    /// Calls the Lambda that the gateway would route the request to.
    ///
    /// # Errors
    /// When there is none, or no fresh sandbox can be made.
    pub async fn http(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: Option<&Value>,
        caller: Option<(&str, &str, &str)>,
    ) -> Result<Run> {
        let handler = route(&self.system, method, target.split('?').next().unwrap_or_default())?;
        self.invoke(handler, &events::http(method, target, headers, body, caller)).await
    }
}

/// The handler of a route: the most specific path wins, as in API Gateway.
pub(crate) fn route<A: Clone + Send + Sync + 'static>(
    system: &System<A>,
    method: &str,
    path: &str,
) -> Result<&'static str> {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let segments: Vec<&str> = template.split('/').collect();
        let all = segments.iter().zip(&parts).all(|(segment, part)| segment.starts_with('{') || segment == part);
        let greedy = template.ends_with("+}") && segments.len() <= parts.len() && parts.last() != Some(&"");
        // A greedy parameter is the last resort.
        let rank = segments.iter().filter(|s| s.starts_with('{')).count() + if greedy { 100 } else { 0 };
        (all && (greedy || segments.len() == parts.len())).then_some(rank)
    };
    let rows = system.rows().iter().filter_map(|row| match &row.trigger {
        Trigger::Http { method: own, path, .. } if own == method || (own == "GET" && method == "HEAD") => {
            Some((fits(path)?, row.handler))
        }
        _ => None,
    });
    let unrouted = system.rows().iter().find(|row| row.trigger == Trigger::Unrouted).map(|row| row.handler);
    let handler = rows.min_by_key(|(wildcards, _)| *wildcards).map(|(_, handler)| handler).or(unrouted);
    handler.with_context(|| format!("{method} {path} has no route"))
}
