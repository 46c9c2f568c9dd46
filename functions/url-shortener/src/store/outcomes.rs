//! What became of requests that were carried out later.

use dynamo::{Consistency, Done, UpdateExpression};
use serde::Deserialize;
use types::{Answer, Fault, Instant, Once};

use super::{Store, keys};
use crate::domain::{Link, LinkError};

/// How a queued request was refused.
#[derive(Deserialize)]
struct Refused {
    problem: String,
}

impl Store {
    /// Notes that the request's outcome is this link, which is there: one write.
    ///
    /// # Errors
    /// Refuses with [`LinkError::Once`] for a key used otherwise.
    pub async fn remember(&self, once: Once, link: Link, now: Instant) -> Answer<Link, LinkError> {
        let done = self.table.transact::<LinkError>().once(once, &link, now)?.send::<Link>().await?;
        Ok(done.map(|done| match done {
            Done::Now => link,
            Done::Before(first) => first,
        }))
    }

    /// Takes note that a queued request was refused, for as long as its outcome may be asked for: one write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn note_refusal(&self, owner: &str, once: &Once, problem: &str, now: Instant) -> Result<(), Fault> {
        let expression =
            UpdateExpression::new().set("problem", problem).set("purge_at", (now + types::once::ONCE_TTL).seconds());
        self.table.update(keys::refused(owner, &once.key)).apply(expression).send().await
    }

    /// Why a queued request was refused, if it was: one strongly consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn refusal(&self, owner: &str, once: &Once) -> Result<Option<String>, Fault> {
        let noted: Option<Refused> = self.table.get(&keys::refused(owner, &once.key), Consistency::Strong).await?;
        Ok(noted.map(|noted| noted.problem))
    }
}
