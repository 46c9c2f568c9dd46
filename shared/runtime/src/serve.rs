//! The process: cold start, then one invocation after another.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws::env::Env;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tracing::{Instrument as _, Level};
use types::{Clock, Fault};

use crate::function::Function;
use crate::system::System;

/// Runs a system's `bootstrap` for ever: all of `main`.
#[must_use]
pub fn serve<A, F>(system: System<A>, app: F) -> ExitCode
where
    A: Clone + Send + Sync + 'static,
    F: FnOnce(&Env) -> Result<A, Fault>,
{
    let env = Env::of_process();
    log_as_json(&env);
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
    F: FnOnce(&Env) -> Result<A, Fault>,
{
    let function = Function::new(system, env.get("_HANDLER").unwrap_or_default(), app(env)?);
    let (name, stage) = (system.name(), env.get("STAGE").unwrap_or("local"));
    let (clock, cold) = (Clock::system(), AtomicBool::new(true));
    let (function, clock, cold) = (&function, &clock, &cold);
    let serve = service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        let remaining = remaining(&event.context, clock);
        let request_id = &event.context.request_id;
        let span = tracing::info_span!("invocation", stage, system = name, handler = function.handler(), request_id);
        let outcome = function.invoke(event.payload.get(), request_id, remaining).instrument(span).await;
        print(&outcome.record.line(stage, clock.now(), cold.swap(false, Ordering::Relaxed)));
        outcome.answer.and_then(raw).map_err(diagnostic)
    });
    // One invocation at a time is all that Lambda sends: one thread, nothing to hand over.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Fault::permanent("starting tokio").caused_by(e))?;
    runtime.block_on(lambda_runtime::run(serve)).map_err(|e| Fault::permanent("the Lambda loop").caused_by(e))
}

fn remaining(context: &lambda_runtime::Context, clock: &Clock) -> Duration {
    let now = u64::try_from(clock.now().millis()).unwrap_or_default();
    Duration::from_millis(context.deadline.saturating_sub(now))
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

fn log_as_json(env: &Env) {
    let level = env.parse_or("LOG_LEVEL", Level::INFO).unwrap_or(Level::INFO);
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_current_span(true).with_span_list(false);
    log.with_max_level(level).with_writer(std::io::stdout).init();
}
