//! DELETE /domains/{domain}: give up one of the caller's domains. Its links stay their owner's, and open
//! as long as visitors come by it.

use web::{Caller, NoContent, Path, Problem, State};

use crate::App;
use crate::domain::{DomainName, LinkError};

/// One conditional write.
pub async fn handle(State(app): State<App>, caller: Caller, Path(domain): Path<String>) -> Result<NoContent, Problem> {
    let name: DomainName = domain.parse().map_err(|_| LinkError::DomainNotFound)?;
    app.store.delete_domain(&name, &caller.id).await??;
    Ok(NoContent)
}
