//! When a provider has time for a delivery.

use std::time::Duration;

use limiter::{Algorithm, Decision, Dimension, Limit, Policy, Space, Subject, Unavailable};
use types::{Fault, Instant, Tier};
use work::{Outgoing, Priority};

use crate::App;
use crate::domain::{Channel, Delivery, DeliveryState, Errand};
use crate::providers::Provider;
use crate::store::Known;

/// How long a worker itself waits for a provider's turn.
const MOST_PACE: Duration = Duration::from_millis(1500);
/// How far ahead turns are given: what a queue can keep a message back.
const LINE: Duration = Duration::from_secs(840);
/// How late a turn may be taken: its message may be slow.
const MOST_LATE: Duration = Duration::from_secs(120);

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
        Ok(Err(earliest.unwrap_or(now + Duration::from_secs(60))))
    }

    /// Waits for the provider's turn, or puts the delivery off until then; true where it is its turn now. What is
    /// urgent has a quarter of the turns for itself, and beyond that stands in line with everybody else.
    ///
    /// A turn is the delivery's own, however far it is ahead: so a backlog goes out at the provider's rate, and each of
    /// it waits once.
    pub(crate) async fn is_its_turn(&self, known: &Known, provider: Provider, now: Instant) -> Result<bool, Fault> {
        let Some(per_second) = self.rates.of(provider) else { return Ok(true) };
        let delivery = &known.delivery;
        if delivery.turn == Some(delivery.due_at) && now < delivery.due_at + MOST_LATE {
            return Ok(true);
        }
        let urgent = matches!(delivery.priority, Priority::Critical | Priority::High);
        let (reserved, now_and_then) = (per_second / 4, |rate: u32| Limit::new(u64::from(rate), 1));
        if urgent && reserved > 0 {
            let turn = self.turn(provider, "urgent", now_and_then(reserved), now).await?;
            if let Some(wait) = turn.ok().filter(|&wait| wait <= MOST_PACE) {
                tokio::time::sleep(wait).await;
                return Ok(true);
            }
        }
        let rate = per_second - reserved;
        let line = now_and_then(rate).burst(u64::from(rate) * LINE.as_secs());
        match self.turn(provider, "all", line, now).await? {
            Ok(wait) if wait <= MOST_PACE => {
                tokio::time::sleep(wait).await;
                Ok(true)
            }
            Ok(wait) => self.stand_in_line(delivery, now + wait, true, now).await.map(|()| false),
            // The line is so long that nobody is given a turn in it: it is asked again when it may be shorter.
            Err(_) => self.stand_in_line(delivery, now + LINE, false, now).await.map(|()| false),
        }
    }

    /// How long until a turn that is taken, or until there may be one.
    async fn turn(
        &self,
        provider: Provider,
        of: &str,
        limit: Limit,
        now: Instant,
    ) -> Result<Result<Duration, Duration>, Fault> {
        let policy = Policy {
            algorithm: Algorithm::LeakyBucket,
            when_unavailable: Unavailable::Open,
            ..Policy::of(vec![Dimension::new("provider", limit)])
        };
        let keys = [("provider".to_owned(), format!("{}-{of}", provider.name()))].into();
        let space = Space::System("notifications".to_owned());
        let subject = Subject { space: &space, id: "providers", policy: &policy, tier: Tier::Free, keys: &keys };
        let decision = self.limiter.check(&subject, 1, now).await;
        let Decision { allowed, wait, .. } =
            decision.map_err(|e| Fault::permanent("a provider's rate").caused_by(e))?;
        Ok(if allowed { Ok(wait) } else { Err(wait) })
    }

    /// Sends its message again for that time, and then notes when: whoever dies in between leaves one message more and
    /// none less.
    async fn stand_in_line(&self, delivery: &Delivery, at: Instant, has_turn: bool, now: Instant) -> Result<(), Fault> {
        if delivery.waits_too_long(now) {
            return self.give_up(delivery, "provider-rate", now).await;
        }
        let message = Outgoing::new(&Errand { due_at: at, ..delivery.errand() })?.of(&delivery.tenant);
        self.queues()?.send(delivery.priority, &message.after(now.until(at))).await?;
        let turn = has_turn.then_some(at);
        self.store.stand_in_line(delivery, at, turn, now).await
    }

    /// Puts it off until its provider may be well again; given up after a day of that.
    pub(crate) async fn wait(&self, delivery: &Delivery, until: Instant, now: Instant) -> Result<(), Fault> {
        if delivery.waits_too_long(now) {
            return self.give_up(delivery, "provider-down", now).await;
        }
        self.store.defer(delivery, until, "provider-down", Some(delivery.waits_since.unwrap_or(now)), now).await
    }

    async fn give_up(&self, delivery: &Delivery, why: &str, now: Instant) -> Result<(), Fault> {
        aws::count("deliveries_failed", 1.0);
        self.store.close(delivery, DeliveryState::Failed, why, now).await
    }
}
