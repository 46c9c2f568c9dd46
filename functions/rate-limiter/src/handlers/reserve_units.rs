//! POST /reserve: take units before it is known how many are needed.

use std::collections::BTreeMap;
use std::time::Duration;

use limiter::Subject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::{Instant, Tier, random};
use web::{Body, Caller, Problem, State};

use crate::App;
use crate::domain::{LimitError, MOST_COST, MOST_RESERVED_SECONDS};
use crate::reservations::Reservation;
use crate::view::{Decided, DecisionView};

/// What is reserved.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The policy's id.
    policy: String,
    /// The request's key in each of the policy's dimensions.
    keys: BTreeMap<String, String>,
    /// Units that may be needed.
    #[schemars(range(min = 1, max = MOST_COST))]
    cost: u64,
    /// What the key's owner pays for.
    #[serde(default)]
    tier: Tier,
    /// How long it can be reconciled; after that, what was taken stays taken.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 1, max = MOST_RESERVED_SECONDS))]
    ttl_seconds: u32,
}

fn five_minutes() -> u32 {
    300
}

/// The decision, and the reservation if it was admitted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reserved {
    #[serde(flatten)]
    decision: DecisionView,
    /// What to reconcile with; it is worth nothing to another caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation: Option<String>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved_until: Option<Instant>,
}

/// As `POST /check`; nothing more is written.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Decided<Reserved>, Problem> {
    let (now, Request { policy: id, keys, cost, tier, ttl_seconds }) = (app.clock.now(), request);
    if !(1..=MOST_COST).contains(&cost) || !(1..=MOST_RESERVED_SECONDS).contains(&ttl_seconds) {
        return Err(LimitError::CostRange.into());
    }
    let reserved = app.with_policy(&caller.id, &id, now, async |name, stored, policy| {
        if !policy.gives() {
            return Ok(Err(LimitError::NoReturn));
        }
        let subject = Subject { space: &name.space, id: &name.id, policy, tier, keys: &keys };
        let decision = match app.limiter.check(&subject, cost, now).await {
            Ok(decision) => decision,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        app.stats.note(name, &keys, &decision, now);
        let until = now + Duration::from_secs(ttl_seconds.into());
        // What was not taken (an open failure, a shadow, no limit) is reserved as nothing, and reconciled as nothing.
        let units = if decision.reason == limiter::Reason::Admitted { cost } else { 0 };
        let (id, policy_id) = (random::base62(22), name.id.clone());
        let back_at = decision.parts.iter().map(|part| (part.dimension.clone(), part.reset_at)).collect();
        let keys = keys.clone();
        let reservation = Reservation { id, policy: policy_id, tier, units, at: now, back_at, until, keys };
        let reservation = decision.allowed.then(|| reservation.write(&caller.id, &app.signing));
        let view = DecisionView::of(&name.id, stored.version, &decision, now);
        let reserved_until = reservation.is_some().then_some(until);
        let body = Reserved { decision: view, reservation, reserved_until };
        Ok(Ok(Decided::new(body, &name.id, policy, &decision, now)))
    });
    let reserved = reserved.await??;
    app.write_stats().await;
    Ok(reserved)
}
