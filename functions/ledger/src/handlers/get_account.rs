//! GET /accounts/{id}: show an account and its balance, now or as of a time.

use schemars::JsonSchema;
use serde::Deserialize;
use types::Instant;
use web::{Caller, Json, Path, Problem, Query, State};

use crate::App;
use crate::domain::LedgerError;
use crate::store::SETTLED;
use crate::view::BalanceView;

/// When.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The balance with everything that was posted until then; left out, as it is.
    as_of: Option<Instant>,
}

/// Now, one strongly consistent read, or a transaction of as many as it has shards. As of a time, a query for the
/// newest checkpoint before it and one for the entries since, of each shard.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(When { as_of }): Query<When>,
) -> Result<Json<BalanceView>, Problem> {
    let account = app.store.account(&caller.id, &id).await??;
    let now = app.clock.now();
    Ok(Json(match as_of {
        None => {
            let balance = app.store.balance(&account).await?;
            BalanceView::now(account, &balance)
        }
        Some(at) if at > now => return Err(LedgerError::Time("as_of is to come").into()),
        Some(at) => {
            let balance = app.store.balance_at(&account, at).await?;
            BalanceView::at(account, &balance, at, at + SETTLED < now)
        }
    }))
}
