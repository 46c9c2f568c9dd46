//! GET /templates/{id}/stats: say how many of a template's mails arrived, were opened and clicked, came back.

use web::{Caller, Json, Path, Problem, State};

use crate::App;
use crate::store::TemplateStats;

/// One read and one query beside each other.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TemplateStats>, Problem> {
    let template = app.store.template(&caller.id, &id);
    let (template, stats) = tokio::try_join!(template, app.store.template_stats(&caller.id, &id))?;
    template?;
    Ok(Json(stats))
}
