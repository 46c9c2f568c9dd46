//! GET /api/v2/links: the caller's links, as Kutt lists them. It sees the newest 1,000.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use types::Fault;
use web::{Caller, Json, Problem, Query, RequestMeta, State};

use crate::App;
use crate::domain::{Counts, Link};
use crate::kutt::KuttLink;

/// Most links that are looked at, in pages of a hundred.
const MOST: usize = 1000;

/// Which links.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Which {
    /// Links of a page, 1 to 50; default 10.
    limit: Option<usize>,
    /// Links before it.
    #[serde(default)]
    skip: usize,
    /// Only links with this text in their code, URL or title.
    search: Option<String>,
}

/// A page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Links {
    /// How many there are.
    pub total: usize,
    /// Links of a page.
    pub limit: usize,
    /// Links before it.
    pub skip: usize,
    /// The links, newest first.
    pub data: Vec<KuttLink>,
}

/// One query for each hundred of the caller's links, and one for each link of the page, all at once.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Query(which): Query<Which>,
) -> Result<Json<Links>, Problem> {
    let limit = which.limit.unwrap_or(10).clamp(1, 50);
    let (mut links, mut after, mut looked_at) = (Vec::new(), None, 0);
    loop {
        let page = app.store.list(&caller.id, None, 100, after).await?;
        looked_at += page.items.len();
        let known = page.items.into_iter().filter_map(|link| link.of(&caller.id, app.clock.now()).ok());
        links.extend(known.filter(|link| which.search.as_deref().is_none_or(|text| mentions(link, text))));
        after = page.next;
        if after.is_none() || looked_at >= MOST {
            break;
        }
    }
    let total = links.len();
    let mut counts = JoinSet::new();
    for (place, link) in links.into_iter().skip(which.skip).take(limit).enumerate() {
        let app = app.clone();
        counts.spawn(aws::invocation::carried(async move {
            let counted = app.store.stats(&link.code).await?;
            let (link, days) = counted.unwrap_or((link, Default::default()));
            Ok::<_, Fault>((place, link, days.values().map(Counts::people).sum::<u64>()))
        }));
    }
    let mut counted = counts.join_all().await.into_iter().collect::<Result<Vec<_>, Fault>>()?;
    counted.sort_by_key(|(place, ..)| *place);
    let data = counted.into_iter().map(|(_, link, visits)| app.kutt_link(link, visits, &meta)).collect();
    Ok(Json(Links { total, limit, skip: which.skip, data }))
}

fn mentions(link: &Link, text: &str) -> bool {
    let title = link.title.as_deref().unwrap_or_default();
    [link.code.name(), link.url.as_str(), title].iter().any(|part| part.contains(text))
}
