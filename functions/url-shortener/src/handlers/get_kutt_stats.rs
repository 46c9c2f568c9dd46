//! GET /api/v2/links/{id}/stats: the clicks on one of the caller's links, as Kutt shows them.

use schemars::JsonSchema;
use serde::Serialize;
use types::Instant;
use web::{Caller, Json, Path, Problem, RequestMeta, State};

use crate::App;
use crate::domain::{Counts, LinkError};
use crate::kutt::{self, KuttLink, Span};

/// The link and its clicks.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KuttStats {
    #[serde(flatten)]
    link: KuttLink,
    /// 24 hours.
    last_day: Span,
    /// 7 days.
    last_week: Span,
    /// 30 days.
    last_month: Span,
    /// 12 months.
    last_year: Span,
    /// When this was counted.
    updated_at: Instant,
}

/// Two queries, one after the other.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path(id): Path<String>,
) -> Result<Json<KuttStats>, Problem> {
    let (code, now) = (kutt::code_of(&id)?, app.clock.now());
    let (link, days) = kutt::told(app.own_stats(&code, &caller.id).await)?;
    if link.disabled_at.is_some() {
        return Err(kutt::problem(LinkError::NotFound)); // deleted, as Kutt sees it
    }
    let hours = app.store.last_hours(&code, now).await?;
    Ok(Json(KuttStats {
        last_day: Span::of_hours(&hours, now),
        last_week: Span::of_days(&days, 7, now),
        last_month: Span::of_days(&days, 30, now),
        last_year: Span::of_year(&days, now),
        updated_at: now,
        link: app.kutt_link(link, days.values().map(Counts::people).sum(), &meta),
    }))
}
