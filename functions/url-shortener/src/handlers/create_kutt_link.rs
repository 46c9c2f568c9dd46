//! POST /api/v2/links: Kutt's way to make a link.

use schemars::JsonSchema;
use serde::Deserialize;
use web::StatusCode;
use web::{Caller, Form, IdempotencyKey, IntoResponse, Json, Operation, Output, Problem, RequestMeta, Response, State};

use crate::App;
use crate::claims::Claimed;
use crate::domain::LinkError;
use crate::kutt::{self, KuttLink};
use crate::requests::NewLink;

/// What Kutt's clients send, as a form or as JSON.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Request {
    /// Where the link shall lead; without a scheme, `http://` is put before it.
    target: String,
    /// A title.
    description: Option<String>,
    /// Life: `1m`, `8h`, `42 days`.
    expire_in: Option<String>,
    /// What a visitor must know.
    password: Option<String>,
    /// A code of one's own.
    customurl: Option<String>,
    /// Answer the caller's link to the same URL.
    #[serde(default)]
    reuse: bool,
    /// One of the caller's domains.
    domain: Option<String>,
}

/// 201 for a new link, 200 for one that was there.
#[derive(Debug)]
pub struct Submitted(bool, KuttLink);

impl IntoResponse for Submitted {
    fn into_response(self) -> Response {
        let status = if self.0 { StatusCode::CREATED } else { StatusCode::OK };
        (status, Json(self.1)).into_response()
    }
}

impl Output for Submitted {
    fn describe(operation: &mut Operation<'_>) {
        operation.json::<KuttLink>(201, "The new link.");
        operation.json::<KuttLink>(200, "The caller's link to this URL, which was there.");
    }
}

/// As `create_link`, but a table that does not take the link is answered 503.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    meta: RequestMeta,
    Form(request): Form<Request>,
) -> Result<Submitted, Problem> {
    let Request { target, description, expire_in, password, customurl, reuse, domain } = request;
    let new = NewLink {
        url: kutt::target(target),
        title: description,
        ttl_seconds: kutt::life(expire_in)?,
        password,
        dedupe: reuse && customurl.is_none(),
        found: true,
        code: customurl,
        domain: app.bitly_domain(domain, &meta),
        ..NewLink::default()
    };
    let once = key.map(|IdempotencyKey(once)| once);
    let claimed = kutt::told(app.create(&caller.id, new, &meta, once.as_ref()).await)?;
    Ok(match claimed {
        Claimed::New(link) => Submitted(true, app.kutt_link(link, 0, &meta)),
        Claimed::Known(link) => {
            let (link, days) = kutt::told(app.own_stats(&link.code, &caller.id).await)?;
            let visits = days.values().map(crate::domain::Counts::people).sum();
            Submitted(false, app.kutt_link(link, visits, &meta))
        }
        Claimed::Queued(_) => return Err(kutt::problem(LinkError::NotFound)), // only a patient claim is queued
    })
}
