//! PATCH /v4/bitlinks/{domain}/{code}: Bitly's way to change a link's title, tags and URL.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Body, Caller, Json, Path, Problem, RequestMeta, State};

use crate::App;
use crate::bitly::{self, Bitlink};
use crate::domain::Change;
use crate::requests::LinkChanges;

/// What Bitly's clients send; what they send beside it, being read-only or unknown here, is ignored.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Request {
    /// Where the link shall lead.
    long_url: Option<String>,
    /// A title.
    title: Option<String>,
    /// Labels.
    tags: Option<Vec<String>>,
}

/// One conditional write.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path((domain, code)): Path<(String, String)>,
    Body(request): Body<Request>,
) -> Result<Json<Bitlink>, Problem> {
    let code = app.bitly_code(&domain, &code, &meta).map_err(bitly::problem)?;
    let url = request.long_url.filter(|url| !url.is_empty());
    let (title, tags) = (Change::of(request.title), Change::of(request.tags));
    let changes = LinkChanges { url, title, tags, ..LinkChanges::default() };
    let now = app.clock.now();
    let edit = app.read_changes(changes, &meta, now).map_err(bitly::problem)?;
    let link = bitly::told(app.store.edit(&code, &caller.id, &edit, now).await)?;
    Ok(Json(app.bitlink(link, &meta)))
}
