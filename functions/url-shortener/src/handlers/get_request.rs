//! GET /requests/{id}: what became of a link that was to be made later.

use web::{Caller, Json, Path, Problem, RequestMeta, State};

use crate::App;
use crate::results::{Progress, Queued};

/// One strongly consistent read once it is done, two before.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path(id): Path<String>,
) -> Result<Json<Queued>, Problem> {
    let once = app.request_of(&caller.id, &id)?;
    let status_url = format!("/requests/{id}");
    if let Some(link) = app.store.claimed(&once, app.clock.now()).await?? {
        let link = Some(app.view(link, &meta));
        return Ok(Json(Queued { state: Progress::Done, status_url, link, problem: None }));
    }
    let problem = app.store.refusal(&caller.id, &once).await?;
    let state = if problem.is_some() { Progress::Refused } else { Progress::Queued };
    Ok(Json(Queued { state, status_url, link: None, problem }))
}
