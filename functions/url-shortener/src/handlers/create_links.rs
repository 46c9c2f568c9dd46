//! POST /links/batch: claim short codes for up to 100 URLs. Each item succeeds or is refused by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use types::{Fault, Once};
use web::{Body, Caller, IdempotencyKey, Json, Problem, RequestMeta, State, Units};

use crate::App;
use crate::claims::Claimed;
use crate::domain::LinkError;
use crate::requests::NewLink;
use crate::results::{NewLinkAnswer, Queued};
use crate::view::LinkView;

/// Most links of a batch …
const MOST: usize = 100;
/// … and how many are written at once.
const AT_ONCE: usize = 50;

/// Links to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLinks {
    /// 1 to 100.
    pub links: Vec<NewLink>,
}

/// What became of them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Results {
    /// One for each link, in their order.
    pub results: Vec<LinkResult>,
}

/// What became of one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LinkResult {
    /// As if it had been sent alone: 201, 200, 202, or 400 and above.
    pub status: u16,
    /// The link, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkView>,
    /// Where to ask, where it is made later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued: Option<Queued>,
    /// The problem (RFC 9457), where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<serde_json::Map<String, serde_json::Value>>,
}

/// One write for each link, 50 at a time; with a key, each item is a keyed request of its own, so a repeated batch
/// makes what is missing and nothing twice.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    key: Option<IdempotencyKey>,
    meta: RequestMeta,
    units: Units,
    Body(new): Body<NewLinks>,
) -> Result<Json<Results>, Problem> {
    if !(1..=MOST).contains(&new.links.len()) {
        return Err(LinkError::Batch.into());
    }
    units.take(new.links.len() as u64 - 1).await?;
    let once = key.map(|IdempotencyKey(once)| once);
    let mut results = Vec::new();
    let mut waiting = new.links.into_iter().enumerate();
    loop {
        let mut some = JoinSet::new();
        for (place, link) in waiting.by_ref().take(AT_ONCE) {
            let (app, owner, meta) = (app.clone(), caller.id.clone(), meta.clone());
            let once = once.clone().map(|once| Once { key: format!("{}#{place}", once.key), ..once });
            let claim = async move {
                let new = NewLink { patient: true, ..link };
                let claimed = app.create(&owner, new, &meta, once.as_ref()).await;
                (place, LinkResult::of(&app, claimed, &owner, &meta))
            };
            some.spawn(aws::invocation::carried(claim));
        }
        if some.is_empty() {
            break;
        }
        results.extend(some.join_all().await);
    }
    results.sort_by_key(|(place, _)| *place);
    Ok(Json(Results { results: results.into_iter().map(|(_, result)| result).collect() }))
}

impl LinkResult {
    fn of(app: &App, claimed: Result<Result<Claimed, LinkError>, Fault>, owner: &str, meta: &RequestMeta) -> Self {
        let none = Self { status: 200, link: None, queued: None, problem: None };
        let refused = |problem: Problem| Self {
            status: problem.status().as_u16(),
            problem: Some(problem.document()),
            ..Self { status: 0, link: None, queued: None, problem: None }
        };
        match claimed.map(|claimed| claimed.map(|claimed| app.answer(claimed, owner, meta))) {
            Ok(Ok(NewLinkAnswer::Created(_, link))) => Self { status: 201, link: Some(link), ..none },
            Ok(Ok(NewLinkAnswer::Known(link))) => Self { link: Some(link), ..none },
            Ok(Ok(NewLinkAnswer::Queued(queued))) => Self { status: 202, queued: Some(queued), ..none },
            Ok(Err(refusal)) => refused(refusal.into()),
            Err(fault) => {
                tracing::error!(fault = fault.chain(), "a link of a batch was not made");
                refused(fault.into())
            }
        }
    }
}
