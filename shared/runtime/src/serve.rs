//! The process: cold start, then one invocation after another.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws::env::Env;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tracing::Instrument as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use types::{Clock, Fault, Instant};

use crate::function::Function;
use crate::system::System;

/// Runs a system's `bootstrap` for ever: all of `main`.
#[must_use]
pub fn serve<A, F>(system: System<A>, app: F) -> ExitCode
where
    A: Clone + Send + Sync + 'static,
    F: FnOnce(&Env, Clock) -> Result<A, Fault>,
{
    let env = Env::of_process();
    log_as_json(&env, system.name());
    match run(&system, app, &env) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            tracing::error!(system = system.name(), fault = fault.chain(), "cannot start");
            ExitCode::FAILURE
        }
    }
}

fn run<A, F>(system: &System<A>, app: F, env: &Env) -> Result<(), Fault>
where
    A: Clone + Send + Sync + 'static,
    F: FnOnce(&Env, Clock) -> Result<A, Fault>,
{
    let clock = Clock::system();
    let function = Function::new(system, env.get("_HANDLER").unwrap_or_default(), app(env, clock.clone())?);
    let (name, stage) = (system.name(), env.get("STAGE").unwrap_or("local"));
    let cold = AtomicBool::new(true);
    let (function, clock, cold) = (&function, &clock, &cold);
    let serve = service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let remaining = remaining(event.context.deadline, clock.now());
        let request_id = &event.context.request_id;
        let (handler, later) = (function.handler(), tracing::field::Empty); // the trace is known when the event is read
        let span = tracing::info_span!(
            "invocation",
            stage,
            system = name,
            handler,
            request_id,
            trace_id = later,
            span_id = later
        );
        let outcome = function.invoke(event.payload.get(), request_id, remaining).instrument(span).await;
        print(&outcome.record.line(stage, clock.now(), cold.swap(false, Ordering::Relaxed)));
        outcome.answer.and_then(raw).map_err(diagnostic)
    });
    // One invocation at a time is all that Lambda sends: one thread, nothing to hand over.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Fault::permanent("starting tokio").caused_by(e))?;
    runtime.block_on(lambda_runtime::run(serve)).map_err(|e| Fault::permanent("the Lambda loop").caused_by(e))
}

/// Time left, in a runtime that does not say when its deadline is: `cargo lambda watch` sends a constant that is long
/// past.
const UNKNOWN_DEADLINE: Duration = Duration::from_secs(10);

fn remaining(deadline_millis: u64, now: Instant) -> Duration {
    let now = u64::try_from(now.millis()).unwrap_or_default();
    deadline_millis.checked_sub(now).map_or(UNKNOWN_DEADLINE, Duration::from_millis)
}

fn raw(answer: String) -> Result<Box<RawValue>, Fault> {
    RawValue::from_string(answer).map_err(|e| Fault::permanent("writing the answer").caused_by(e))
}

/// What Lambda shows of a failed event: the kind and what was being done; the chain is in the log.
fn diagnostic(fault: Fault) -> Diagnostic {
    let error_type = if fault.is_transient() { "Fault.Transient" } else { "Fault.Permanent" };
    Diagnostic { error_type: error_type.to_owned(), error_message: fault.to_string() }
}

#[allow(clippy::print_stdout)] // Lambda's log is standard output
fn print(line: &str) {
    println!("{line}");
}

/// `LOG_LEVEL` is ours; libraries log at WARN, since the SDK's finer levels print whole requests with the items in
/// them.
fn log_as_json(env: &Env, system: &str) {
    let level = env.parse_or("LOG_LEVEL", LevelFilter::INFO).unwrap_or(LevelFilter::INFO);
    let ours = Targets::new().with_default(LevelFilter::WARN).with_target("almanac_", level);
    let ours = ours.with_target(system.replace('-', "_"), level);
    let lines = fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false);
    tracing_subscriber::registry().with(lines.with_writer(std::io::stdout).with_filter(ours)).init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_long_past_is_none() {
        let now = Instant::from_seconds(1_800_000_000);
        assert_eq!(remaining(1_800_000_003_000, now), Duration::from_secs(3));
        assert_eq!(remaining(600_000, now), UNKNOWN_DEADLINE);
    }
}
