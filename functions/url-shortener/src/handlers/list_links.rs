//! GET /links: the caller's links, newest first; those with a tag; as CSV.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Caller, PageOf, PageQuery, Problem, Query, RequestMeta, State};

use crate::App;
use crate::answers::Sheet;
use crate::requests::Format;
use crate::tables;
use crate::view::Summaries;

/// Which links, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Items of a page, 1 to 100; default 20.
    limit: Option<u16>,
    /// Where the page begins: `next_cursor` of the one before.
    cursor: Option<String>,
    /// Only links with this tag. They are looked for among the page's links, so it may hold fewer than its limit.
    tag: Option<String>,
    /// `json` (default) or `csv`.
    #[serde(default)]
    format: Format,
}

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Query(which): Query<Which>,
) -> Result<Sheet<Summaries>, Problem> {
    let tag = which.tag.as_deref();
    let list = format!("links of {} {}", caller.id, tag.map(|tag| format!("tagged {tag}")).unwrap_or_default());
    let (limit, after) = PageQuery::new(which.limit, which.cursor).read(&app.cursors, &list)?;
    let page = app.store.list(&caller.id, tag, limit, after).await?;
    let known = page.items.into_iter().filter_map(|link| link.of(&caller.id, app.clock.now()).ok());
    let items = known.map(|link| app.summary(&link, &meta)).collect();
    let page = PageOf::new(items, page.next, &app.cursors, &list);
    Ok(match which.format {
        Format::Json => Sheet::Json(page),
        Format::Csv => {
            let mut next = url::form_urlencoded::Serializer::new("format=csv".to_owned());
            next.append_pair("limit", &limit.to_string());
            next.extend_pairs(tag.map(|tag| ("tag", tag)));
            let next = page.next_cursor.map(|cursor| next.append_pair("cursor", &cursor).finish());
            Sheet::Csv(tables::links(&page.items)?, next)
        }
    })
}
