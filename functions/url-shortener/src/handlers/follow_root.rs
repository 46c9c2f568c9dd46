//! GET and HEAD /: go where a tenant's domain leads without a code.

use web::{Problem, RequestMeta, State};

use crate::App;
use crate::domain::LinkError;
use crate::follow::Followed;

/// No read for a domain this sandbox knows, one otherwise; none for the service's own, which leads nowhere.
pub async fn handle(State(app): State<App>, meta: RequestMeta) -> Result<Followed, Problem> {
    let name = app.settings.asked_domain(&meta).ok_or(LinkError::NotFound)?;
    let domain = app.domain(&name).await?.ok_or(LinkError::NotFound)?;
    let root = domain.root_url.as_ref().ok_or(LinkError::NotFound)?;
    Ok(Followed::away(root))
}
