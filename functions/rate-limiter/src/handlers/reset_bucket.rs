//! DELETE /buckets/{policy}/{key}: forget what a key took, and its ban. Sandboxes that refused it lately may go on
//! doing so for up to 10 s.

use limiter::{Policy, Subject};
use schemars::JsonSchema;
use serde::Deserialize;
use types::Tier;
use web::{Caller, NoContent, Path, Problem, Query, State};

use crate::App;

/// Which bucket.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The key's dimension; without it, the key is forgotten in all of them.
    dimension: Option<String>,
    /// What the key's owner pays for.
    #[serde(default)]
    tier: Tier,
}

/// One deletion for each shard and window.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path((policy, key)): Path<(String, String)>,
    Query(Which { dimension, tier }): Query<Which>,
) -> Result<NoContent, Problem> {
    let now = app.clock.now();
    let reset = app.with_policy(&caller.id, &policy, now, async |name, _, policy| {
        let all = policy.dimensions.iter().map(|dimension| dimension.name.clone());
        let wanted: Vec<String> = dimension.clone().map_or_else(|| all.collect(), |one| vec![one]);
        for one in wanted {
            // The policy as if it had this dimension alone: the others' buckets are other keys'.
            let dimensions = policy.dimensions.iter().filter(|dimension| dimension.name == one).cloned().collect();
            let policy = Policy { dimensions, ..policy.clone() };
            let keys = [(one, key.clone())].into();
            let subject = Subject { space: &name.space, id: &name.id, policy: &policy, tier, keys: &keys };
            if let Err(refusal) = app.limiter.reset(&subject, now).await? {
                return Ok(Err(refusal.into()));
            }
        }
        Ok(Ok(()))
    });
    reset.await??;
    Ok(NoContent)
}
