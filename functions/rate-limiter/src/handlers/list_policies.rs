//! GET /policies: list the caller's policies, by id; an admin may list those of a system's routes.

use limiter::Space;
use schemars::JsonSchema;
use serde::Deserialize;
use web::{Caller, Json, PageOf, PageQuery, Problem, Query, State};

use crate::App;
use crate::domain::PolicyName;
use crate::view::PolicyView;

/// Which, and how many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// A system, such as `url-shortener`: the stored policies of its routes.
    system: Option<String>,
    /// The most items that the page may hold.
    #[schemars(range(min = 1, max = 100), extend("default" = 20))]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One query.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Query(Listing { system, limit, cursor }): Query<Listing>,
) -> Result<Json<PageOf<PolicyView>>, Problem> {
    let space = match &system {
        None => Space::Tenant(caller.id.clone()),
        Some(system) => PolicyName::parse(&format!("{system}.any"), &caller.id, caller.may("admin"))?.space,
    };
    let list = format!("policies of {space}");
    let (limit, after) = PageQuery::new(limit, cursor).read(&app.signing, &list)?;
    let page = app.store.list(&space, limit, after).await?;
    let named = |id: &str| system.as_ref().map_or_else(|| id.to_owned(), |system| format!("{system}.{id}"));
    let items = page.items.into_iter().map(|stored| PolicyView::of(&named(&stored.id), stored)).collect();
    Ok(Json(PageOf::new(items, page.next, &app.signing, &list)))
}
