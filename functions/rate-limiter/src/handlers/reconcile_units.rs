//! POST /reconcile: say how many units of a reservation were needed. The rest is given back, or what is missing is
//! taken.

use std::cmp::Ordering;

use dynamo::Done;
use limiter::{Change, Subject};
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
    /// Units given back.
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
    // What was reserved as nothing, or flowed in again by now, is not given back: others may have taken it since.
    let (refunded, charged) = match cost.cmp(&units) {
        _ if units == 0 => (0, 0),
        Ordering::Less if back_at <= now => (0, 0),
        Ordering::Less => (units - cost, 0),
        Ordering::Equal => (0, 0),
        Ordering::Greater => (0, cost - units),
    };
    let change = match (refunded, charged) {
        (0, 0) => None,
        (0, charged) => Some(Change::Charge(charged)),
        (refunded, _) => Some(Change::Refund(refunded)),
    };
    let once = Once { scope: format!("{}#reconcile", caller.id), key: id, fingerprint: cost.to_string() };
    let done = app.with_policy(&caller.id, &policy, now, async |name, _, policy| {
        if !policy.gives() {
            return Ok(Err(LimitError::NoReturn));
        }
        let subject = Subject { space: &name.space, id: &name.id, policy, tier, keys: &keys };
        Ok(app.limiter.settle(&subject, change, &once, at, now).await?.map_err(LimitError::from))
    });
    let repeated = done.await?? != Done::Now;
    Ok(Json(Reconciled { reserved: units, cost, refunded, charged, repeated }))
}
