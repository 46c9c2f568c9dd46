//! PATCH /api/v2/links/{id}: Kutt's way to change a link. Its address stays.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Caller, Form, Json, Path, Problem, RequestMeta, State};

use crate::App;
use crate::domain::{Change, Counts, LinkError};
use crate::kutt::{self, KuttLink};
use crate::requests::LinkChanges;

/// What Kutt's clients send, as a form or as JSON.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Request {
    /// Where the link shall lead.
    target: Option<String>,
    /// The code that the link has: it cannot be given another.
    address: Option<String>,
    /// A title.
    description: Option<String>,
    /// A new life: `1m`, `8h`, `42 days`.
    expire_in: Option<String>,
    /// What a visitor must know.
    password: Option<String>,
}

/// One conditional write and one query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path(id): Path<String>,
    Form(request): Form<Request>,
) -> Result<Json<KuttLink>, Problem> {
    let Request { target, address, description, expire_in, password } = request;
    let code = kutt::code_of(&id)?;
    if address.is_some_and(|address| address != code.name()) {
        return Err(kutt::problem(LinkError::CodeStays));
    }
    let changes = LinkChanges {
        url: target.map(kutt::target),
        title: Change::of(description),
        ttl_seconds: kutt::life(expire_in)?,
        password: Change::of(password),
        ..LinkChanges::default()
    };
    let now = app.clock.now();
    let edit = app.read_changes(changes, &meta, now).map_err(kutt::problem)?;
    kutt::told(app.store.edit(&code, &caller.id, &edit, now).await)?;
    let (link, days) = kutt::told(app.own_stats(&code, &caller.id).await)?;
    Ok(Json(app.kutt_link(link, days.values().map(Counts::people).sum(), &meta)))
}
