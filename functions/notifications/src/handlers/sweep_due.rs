//! The schedule: put what is due by now into its queue: retries, send_at, ends of quiet hours, digests, fan-outs.

use std::collections::{BTreeMap, BTreeSet};

use types::Fault;
use work::{Claim, Priority};

use crate::App;
use crate::domain::Task;
use crate::domain::fan_out::Step;

/// Deliveries of one run, as many urgent ones as others.
const MOST: usize = 10_000;

/// Each minute. A delivery that is handed over twice is found done by the second worker.
pub async fn handle(app: App) -> Result<(), Fault> {
    let carry = |claims: Vec<Claim>| async {
        let (mut failed, mut by_priority) = (BTreeSet::new(), BTreeMap::<Priority, Vec<Claim>>::new());
        let mut fan_outs = Vec::new();
        for mut claim in claims {
            // What cannot be read keeps none of the others back.
            match (claim.message::<Task>(), claim.message::<Step>()) {
                (Ok(task), _) => {
                    claim.tenant = Some(task.tenant().to_owned());
                    by_priority.entry(task.priority()).or_default().push(claim);
                }
                (_, Ok(step)) => {
                    claim.tenant = Some(step.tenant);
                    fan_outs.push(claim);
                }
                (Err(fault), _) => {
                    tracing::error!(fault = fault.chain(), id = claim.id, "what is due cannot be read");
                    failed.insert(claim.id);
                }
            }
        }
        for (priority, claims) in by_priority {
            failed.extend(app.queues()?.of(priority)?.carry(claims).await?);
        }
        if !fan_outs.is_empty() {
            failed.extend(app.fan_outs()?.carry(fan_outs).await?);
        }
        Ok(failed)
    };
    // One that fails does not keep the other back.
    let [urgent, rest] = app.store.all_due();
    let swept = urgent.sweep(&app.clock, MOST, &carry).await;
    rest.sweep(&app.clock, MOST, &carry).await?;
    swept.map(drop)
}
