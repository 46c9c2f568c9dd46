//! Circuit breakers of providers. Their state is the table's: a sandbox alone sees too little to judge one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dynamo::{Consistency, UpdateExpression, eq};
use serde::Deserialize;
use types::{Fault, Instant};

use super::{Store, keys, purge};

/// Failures in a minute that open a breaker.
const MOST_FAILURES: u32 = 10;
/// How long it stays open. After that all try again, and the first failure opens it anew.
const OPEN: Duration = Duration::from_secs(30);

/// How long a sandbox goes by what it has read: a breaker is one item, which all deliveries would read otherwise.
const REMEMBERED: Duration = Duration::from_secs(2);

/// What a sandbox remembers of breakers.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<BTreeMap<String, (Breaker, Instant)>>>);

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
}

impl Store {
    /// How a provider has been: one eventually consistent read each two seconds.
    ///
    /// # Errors
    /// Our failure.
    pub async fn breaker(&self, provider: &str, now: Instant) -> Result<Breaker, Fault> {
        let remembered = self.breakers.0.lock().unwrap_or_else(PoisonError::into_inner).get(provider).cloned();
        if let Some((breaker, _)) = remembered.filter(|(_, read_at)| now < *read_at + REMEMBERED) {
            return Ok(breaker);
        }
        let found = self.table.get::<Breaker>(&keys::breaker(provider), Consistency::Eventual).await?;
        let breaker = found.unwrap_or_default();
        self.remember(provider, &breaker, now);
        Ok(breaker)
    }

    fn remember(&self, provider: &str, breaker: &Breaker, now: Instant) {
        let mut remembered = self.breakers.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert(provider.to_owned(), (breaker.clone(), now));
    }

    /// Notes that a provider failed, and opens its breaker where that was once too often: one write, a second one to
    /// open it. A minute's first failure takes two; where two are first at once, one of them may not count.
    ///
    /// # Errors
    /// Our failure.
    pub async fn note_failure(&self, provider: &str, now: Instant) -> Result<(), Fault> {
        let minute = now.seconds().div_euclid(60);
        let key = keys::breaker(provider);
        let same = UpdateExpression::new().add("failures", 1_u64).when(eq("minute", minute));
        let counted = self.table.update(key.clone()).apply(same).send_or::<Breaker, Breaker, _>(|it| it).await?;
        let seen = match counted {
            Ok(breaker) => breaker,
            Err(standing) => {
                let seen = Breaker { minute, failures: 1, ..standing.unwrap_or_default() };
                let expression = UpdateExpression::new()
                    .set("minute", minute)
                    .set("failures", 1_u64)
                    .set("purge_at", purge(now, Duration::from_secs(86_400)));
                self.table.update(key.clone()).apply(expression).send().await?;
                seen
            }
        };
        // Just after it was open, one failure is enough.
        let probing = seen.open_until > 0 && (0..60_000).contains(&(now.millis() - seen.open_until));
        if seen.failures < MOST_FAILURES && !probing {
            return Ok(());
        }
        aws::count("breakers_opened", 1.0);
        tracing::warn!(provider, "a provider fails and is left alone for a while");
        let open = Breaker { open_until: (now + OPEN).millis(), ..seen };
        self.table.update(key).apply(UpdateExpression::new().set("open_until", open.open_until)).send().await?;
        self.remember(provider, &open, now);
        Ok(())
    }
}
