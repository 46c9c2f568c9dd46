//! POST /reconcile: say how many units of a reservation were needed. The rest is given back, or what is missing is
//! taken.

use limiter::{Settled, Settlement, Subject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Once;
use web::{Body, Caller, Json, Problem, State};

use crate::App;
use crate::domain::{LimitError, MOST_COST};
use crate::reservations::Reservation;

/// What was needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Of `POST /reserve`.
    reservation: String,
    /// Units that were needed; 0 gives all back.
    #[schemars(range(min = 0, max = MOST_COST))]
    cost: u64,
}

/// What was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reconciled {
    /// Units that were reserved.
    reserved: u64,
    /// Units that were needed.
    cost: u64,
    /// Units given back: fewer where some have flowed in again by now. Of several dimensions, what one got at most.
    refunded: u64,
    /// Units taken beyond the reservation, whether they were there or not: later requests wait for them.
    charged: u64,
    /// Whether it had been reconciled so before, and nothing was changed now.
    repeated: bool,
}

/// One transaction of the record that makes it take effect once and, unless the reservation was right, of the buckets.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Body(Request { reservation, cost }): Body<Request>,
) -> Result<Json<Reconciled>, Problem> {
    let now = app.clock.now();
    if cost > MOST_COST {
        return Err(LimitError::CostRange.into());
    }
    let Reservation { id, policy, tier, units, at, back_at, keys, .. } =
        Reservation::read(&reservation, &caller.id, &app.signing, now)?;
    let once = Once { scope: format!("{}#reconcile", caller.id), key: id, fingerprint: cost.to_string() };
    let done = app.with_policy(&caller.id, &policy, now, async |name, _, policy| {
        if !policy.gives() {
            return Ok(Err(LimitError::NoReturn));
        }
        let subject = Subject { space: &name.space, id: &name.id, policy, tier, keys: &keys };
        // What was reserved as nothing is reconciled as nothing.
        let needed = if units == 0 { 0 } else { cost };
        let settlement = Settlement { taken: units, needed, at, back_at: &back_at };
        Ok(app.limiter.settle(&subject, &settlement, &once, now).await?.map_err(LimitError::from))
    });
    let (Settled { refunded, charged }, repeated) = done.await??;
    Ok(Json(Reconciled { reserved: units, cost, refunded, charged, repeated }))
}
