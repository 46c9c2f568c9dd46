//! The schedule: put the holds whose time is over into their queue.

use std::collections::BTreeSet;

use types::Fault;
use work::Claim;

use crate::App;
use crate::store::Hold;

/// Holds of one run.
const MOST: usize = 10_000;

/// Each minute. A hold that is handed over twice is found ended by the second worker.
pub async fn handle(app: App) -> Result<(), Fault> {
    let carry = |claims: Vec<Claim>| async {
        let (mut holds, mut failed) = (Vec::new(), BTreeSet::new());
        for claim in claims {
            let id = claim.id.clone();
            match Hold::claimed(claim) {
                Ok(hold) => holds.push(hold),
                Err(fault) => {
                    tracing::error!(fault = fault.chain(), id, "what is due cannot be read");
                    failed.insert(id);
                }
            }
        }
        failed.extend(app.expiries()?.carry(holds).await?);
        Ok(failed)
    };
    app.store.due().sweep(&app.clock, MOST, carry).await.map(drop)
}
