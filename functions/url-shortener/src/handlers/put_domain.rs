//! PUT /domains/{domain}: register a domain of the caller's own, or say anew where it leads when no link does.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Body, Caller, Json, Path, Problem, RequestMeta, State};

use crate::App;
use crate::domain::{Domain, DomainName, LinkError, Target};
use crate::view::DomainView;

/// Where a domain leads when no link does; what is left out leads nowhere.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// Where `/` leads.
    root_url: Option<String>,
    /// Where a code that is no link's leads.
    not_found_url: Option<String>,
    /// Where a link leads that ended and has no `fallback_url` of its own.
    expired_url: Option<String>,
}

/// One conditional write. Sandboxes that remember the domain see the change after at most a minute.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path(domain): Path<String>,
    Body(targets): Body<Targets>,
) -> Result<Json<DomainView>, Problem> {
    let name: DomainName = domain.parse()?;
    let mut hosts = app.own_hosts(&meta);
    if hosts.iter().any(|host| host.eq_ignore_ascii_case(name.as_str())) {
        return Err(LinkError::DomainTaken.into());
    }
    hosts.push(name.as_str());
    let target = |text: Option<String>| text.map(|text| Target::parse(&text, &hosts)).transpose();
    let (root_url, not_found_url, expired_url) =
        (target(targets.root_url), target(targets.not_found_url), target(targets.expired_url));
    let refused = LinkError::from;
    let domain = Domain {
        root_url: root_url.map_err(refused)?,
        not_found_url: not_found_url.map_err(refused)?,
        expired_url: expired_url.map_err(refused)?,
        owner: caller.id,
        updated_at: app.clock.now(),
        domain: name.clone(),
    };
    app.store.put_domain(&domain).await??;
    Ok(Json(domain.into()))
}
