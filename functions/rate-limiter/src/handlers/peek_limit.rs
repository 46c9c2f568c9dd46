//! GET /peek: say what a check would be answered, and take nothing.

use std::collections::BTreeMap;

use limiter::Subject;
use schemars::JsonSchema;
use serde::Deserialize;
use types::Tier;
use web::{Caller, Problem, Query, State, shared};

use crate::App;
use crate::view::{Decided, DecisionView};

/// What is looked at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peek {
    /// The policy's id.
    policy: String,
    /// The keys as a JSON object: `{"user": "u1"}`.
    #[schemars(example = &"{\"user\": \"u1\"}")]
    keys: String,
    /// What the key's owner pays for.
    #[serde(default)]
    tier: Tier,
}

/// One read of all buckets, strongly consistent. Units that sandboxes hold in mode `never_over` count as taken, those
/// that they have not told of in mode `never_under` as not.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(Peek { policy, keys, tier }): Query<Peek>,
) -> Result<Decided<DecisionView>, Problem> {
    let now = app.clock.now();
    let keys: BTreeMap<String, String> = serde_json::from_str(&keys)
        .map_err(|error| Problem::of(shared::INVALID_QUERY).detail(format!("keys: {error}")))?;
    let peeked = app.with_policy(&caller.id, &policy, now, async |name, stored, policy| {
        let subject = Subject { space: &name.space, id: &name.id, policy, tier, keys: &keys };
        let peeked = app.limiter.peek(&subject, now).await?;
        Ok(peeked.map_err(Into::into).map(|decision| {
            let view = DecisionView::of(&name.id, stored.version, &decision, now);
            Decided::new(view, &name.id, policy, &decision, now)
        }))
    });
    Ok(peeked.await??)
}
