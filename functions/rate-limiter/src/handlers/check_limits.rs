//! POST /check/batch: decide up to 100 checks, each by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use web::{Body, Caller, Json, Problem, State};

use crate::App;
use crate::checks::Check;
use crate::domain::{LimitError, MOST_CHECKS};
use crate::view::DecisionView;

/// Checks that are decided at once.
const AT_ONCE: usize = 25;

/// Checks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// 1 to 100.
    #[schemars(length(min = 1, max = MOST_CHECKS))]
    checks: Vec<Check>,
}

/// What became of them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckResults {
    /// One for each check, in their order.
    results: Vec<CheckResult>,
}

/// What became of one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckResult {
    /// As if it had been sent alone.
    status: u16,
    /// The decision, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<DecisionView>,
    /// The problem (RFC 9457), where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<serde_json::Map<String, serde_json::Value>>,
}

/// As `POST /check` for each, 25 at a time; statistics are written once.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Body(Checks { checks }): Body<Checks>,
) -> Result<Json<CheckResults>, Problem> {
    if !(1..=MOST_CHECKS).contains(&checks.len()) {
        return Err(LimitError::Batch.into());
    }
    let (now, mut results) = (app.clock.now(), Vec::with_capacity(checks.len()));
    let mut waiting = checks.into_iter().enumerate();
    loop {
        let mut some = JoinSet::new();
        for (place, check) in waiting.by_ref().take(AT_ONCE) {
            let (app, caller) = (app.clone(), caller.id.clone());
            let decide = async move { (place, decide(&app, &caller, &check, now).await) };
            some.spawn(aws::invocation::carried(decide));
        }
        if some.is_empty() {
            break;
        }
        results.extend(some.join_all().await);
    }
    app.write_stats().await;
    results.sort_by_key(|(place, _)| *place);
    Ok(Json(CheckResults { results: results.into_iter().map(|(_, result)| result).collect() }))
}

async fn decide(app: &App, caller: &str, check: &Check, now: types::Instant) -> CheckResult {
    let problem = match app.check(caller, check, now).await {
        Ok(Ok(decided)) => return CheckResult { status: 200, decision: Some(decided.body), problem: None },
        Ok(Err(refusal)) => Problem::from(refusal),
        Err(fault) => {
            tracing::error!(fault = fault.chain(), "a check of a batch failed");
            fault.into()
        }
    };
    CheckResult { status: problem.status().as_u16(), decision: None, problem: Some(problem.document()) }
}
