//! POST /check: decide whether a request may go on, and take from its buckets if it may.

use web::{Body, Caller, Problem, State};

use crate::App;
use crate::checks::Check;
use crate::view::{Decided, DecisionView};

/// One conditional write in the common case, one transaction for several dimensions, nothing for what is known to be
/// refused. Now and then the policy is read beside it, and statistics are written after it.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Body(check): Body<Check>,
) -> Result<Decided<DecisionView>, Problem> {
    let decided = app.check(&caller.id, &check, app.clock.now()).await??;
    app.write_stats().await;
    Ok(decided)
}
