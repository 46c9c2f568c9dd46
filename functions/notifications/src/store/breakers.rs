//! Circuit breakers of providers. Their state is the table's: a sandbox alone sees too little to judge one.

use std::time::Duration;

use dynamo::{Consistency, UpdateExpression};
use serde::Deserialize;
use serde::de::IgnoredAny;
use types::{Fault, Instant};

use super::{Store, keys, purge};

/// Failures in a minute that open a breaker.
const MOST_FAILURES: u32 = 10;
/// How long it stays open. After that all try again, and the first failure opens it anew.
const OPEN: Duration = Duration::from_secs(30);

/// How a provider has been.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Breaker {
    /// The minute that failures are counted in, since the epoch.
    minute: i64,
    failures: u32,
    open_until: i64,
}

impl Breaker {
    /// When it may be tried again, where it is not to be tried now.
    pub fn open_until(&self, now: Instant) -> Option<Instant> {
        Some(Instant::from_millis(self.open_until)).filter(|&until| until > now)
    }

    fn failures_at(&self, minute: i64) -> u32 {
        if self.minute == minute { self.failures } else { 0 }
    }
}

impl Store {
    /// How a provider has been: one eventually consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn breaker(&self, provider: &str) -> Result<Breaker, Fault> {
        let found = self.table.get::<Breaker>(&keys::breaker(provider), Consistency::Eventual).await?;
        Ok(found.unwrap_or_default())
    }

    /// Notes that a provider failed, and opens its breaker where that was once too often: one write. Failures of a
    /// moment may count as one: it opens a little later then. `seen` is how it was found.
    ///
    /// # Errors
    /// Our failure.
    pub async fn note_failure(&self, provider: &str, seen: &Breaker, now: Instant) -> Result<(), Fault> {
        let minute = now.seconds().div_euclid(60);
        let failures = seen.failures_at(minute) + 1;
        // Just after it was open, one failure is enough.
        let probing = seen.open_until > 0 && now.millis() - seen.open_until < 60_000;
        let opens = failures >= MOST_FAILURES || probing;
        let mut expression = UpdateExpression::new()
            .set("minute", minute)
            .set("failures", u64::from(failures))
            .set("purge_at", purge(now, Duration::from_secs(86_400)));
        if opens {
            aws::count("breakers_opened", 1.0);
            tracing::warn!(provider, "a provider fails and is left alone for a while");
            expression = expression.set("open_until", now + OPEN);
        }
        let update = self.table.update(keys::breaker(provider)).apply(expression);
        update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await.map(drop)
    }
}
