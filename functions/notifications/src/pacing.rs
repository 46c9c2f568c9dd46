//! When a provider has time for a delivery.

use std::time::Duration;

use limiter::{Algorithm, Decision, Dimension, Limit, Policy, Space, Subject, Unavailable};
use types::{Fault, Instant, Tier};
use work::Priority;

use crate::App;
use crate::delivering::BUSY_PAUSE;
use crate::domain::{Channel, Delivery, DeliveryState};
use crate::providers::Provider;

/// How long a worker itself waits for a provider's turn.
const MOST_PACE: Duration = Duration::from_millis(1500);

impl App {
    /// The first provider of the channel that is not known to be down, or when one may be tried again.
    pub(crate) async fn provider(&self, channel: Channel, now: Instant) -> Result<Result<Provider, Instant>, Fault> {
        let mut earliest = None;
        for provider in self.providers.of(channel) {
            if !provider.is_one() {
                return Ok(Ok(provider));
            }
            match self.store.breaker(provider.name(), now).await?.open_until(now) {
                None => return Ok(Ok(provider)),
                Some(until) => earliest = earliest.map_or(Some(until), |at: Instant| Some(at.min(until))),
            }
        }
        Ok(Err(earliest.unwrap_or(now + BUSY_PAUSE)))
    }

    /// Waits for the provider's turn, or says when it comes. What is urgent has a quarter of the turns for itself, and
    /// the others beside everybody else.
    pub(crate) async fn pace(
        &self,
        provider: Provider,
        priority: Priority,
        now: Instant,
    ) -> Result<Result<(), Instant>, Fault> {
        let Some(per_second) = self.rates.of(provider) else { return Ok(Ok(())) };
        let urgent = matches!(priority, Priority::Critical | Priority::High);
        let reserved = per_second / 4;
        if urgent && reserved > 0 && self.turn(provider, "urgent", reserved, now).await?.is_ok() {
            return Ok(Ok(()));
        }
        self.turn(provider, "all", per_second - reserved, now).await
    }

    async fn turn(
        &self,
        provider: Provider,
        of: &str,
        per_second: u32,
        now: Instant,
    ) -> Result<Result<(), Instant>, Fault> {
        let policy = Policy {
            algorithm: Algorithm::LeakyBucket,
            when_unavailable: Unavailable::Open,
            ..Policy::of(vec![Dimension::new("provider", Limit::new(u64::from(per_second), 1))])
        };
        let keys = [("provider".to_owned(), format!("{}-{of}", provider.name()))].into();
        let space = Space::System("notifications".to_owned());
        let subject = Subject { space: &space, id: "providers", policy: &policy, tier: Tier::Free, keys: &keys };
        let decision = self.limiter.check(&subject, 1, now).await;
        let decision = decision.map_err(|e| Fault::permanent("a provider's rate").caused_by(e))?;
        match decision {
            Decision { allowed: true, wait, .. } if wait <= MOST_PACE => {
                tokio::time::sleep(wait).await;
                Ok(Ok(()))
            }
            Decision { wait, .. } => Ok(Err(now + wait.max(Duration::from_secs(1)))),
        }
    }

    /// Puts it off until its provider has time; given up after a day of that.
    pub(crate) async fn wait(
        &self,
        delivery: &Delivery,
        until: Instant,
        why: &'static str,
        now: Instant,
    ) -> Result<(), Fault> {
        if delivery.waits_too_long(now) {
            aws::count("deliveries_failed", 1.0);
            return self.store.close(delivery, DeliveryState::Failed, why, now).await;
        }
        self.store.defer(delivery, until, why, Some(delivery.waits_since.unwrap_or(now)), now).await
    }
}
