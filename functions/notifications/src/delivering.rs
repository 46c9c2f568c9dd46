//! One delivery, from its queue to its provider.
//!
//! The order is what makes it right. First all is read, and judged as it is now. Then the delivery is leased: one
//! worker has it. Only then the provider is called, once, and the outcome is noted under the lease. A worker that dies
//! after the call and before the note leaves an attempt without an outcome, which is counted; the next worker sends
//! again, since "nothing lost" goes before "nothing twice" where a provider offers no way to have both.

use std::time::Duration;

use types::{Fault, Instant};
use work::Priority;

use crate::App;
use crate::domain::{
    Address, AddressState, Channel, DeliveryState, Errand, InboxItem, Notification, Sight, Step, Target, Task,
    segments, sms_text,
};
use crate::providers::{Outcome, Parcel, Provider};
use crate::store::{Ending, Known, Work};

impl App {
    /// Does what a worker's message says.
    pub(crate) async fn do_task(&self, task: &Task) -> Result<(), Fault> {
        match task {
            Task::Delivery(errand) => self.deliver(errand).await,
            Task::Digest(errand) => self.tell_digest(errand).await,
        }
    }

    /// Does what is to be done about a delivery now.
    pub(crate) async fn deliver(&self, errand: &Errand) -> Result<(), Fault> {
        let now = self.clock.now();
        let Some(known) = self.store.known(errand).await? else {
            aws::count("deliveries_forgotten", 1.0);
            return Ok(());
        };
        self.replace_older(&known).await?;
        let sight = Sight {
            notification: &known.notification,
            delivery: &known.delivery,
            brought_for: errand.due_at,
            preferences: &known.preferences,
            address: known.address.as_ref(),
            newest: known.newest.as_deref(),
            others: known.others,
        };
        match sight.step(now) {
            Step::Leave => Ok(()),
            Step::Skip(why) => {
                aws::count("deliveries_skipped", 1.0);
                self.store.close(&known.delivery, DeliveryState::Skipped, &why, now).await
            }
            Step::Defer(at, why) => {
                aws::count("deliveries_deferred", 1.0);
                self.store.defer(&known.delivery, at, why, None, now).await
            }
            Step::Collect(until) => Box::pin(self.collect(&known, until, now)).await,
            Step::Send if known.delivery.channel == Channel::InApp => self.to_inbox(&known, now).await,
            // By the clock of whoever found that it is due: what is due then would be put off until then. Boxed: its
            // ways are many, and whoever awaits it need not hold the largest of them.
            Step::Send => Box::pin(self.attempt(&known, now.max(known.delivery.due_at))).await,
        }
    }

    /// What is sent later takes the place of what waits when its own time has come.
    async fn replace_older(&self, known: &Known) -> Result<(), Fault> {
        let Notification { id, send_at, canceled_at, .. } = &known.notification;
        let is_newer = known.newest.as_ref().is_none_or(|newest| newest < id);
        if send_at.is_some() && canceled_at.is_none() && known.delivery.collapse_key.is_some() && is_newer {
            self.store.note_newest(&known.notification, self.clock.now()).await?;
        }
        Ok(())
    }

    async fn to_inbox(&self, known: &Known, now: Instant) -> Result<(), Fault> {
        let Notification { tenant, user, id, kind, content, data, purge_at, .. } = known.notification.clone();
        let item = InboxItem {
            tenant,
            user,
            id,
            kind,
            title: content.title,
            body: content.body,
            data,
            created_at: now,
            seen_at: None,
            read_at: None,
            archived_at: None,
            snoozed_until: None,
            version: 0,
            purge_at,
        };
        self.store.arrive(&known.delivery, &item, now).await?;
        aws::count("delivered_in_app", 1.0);
        Ok(())
    }

    async fn attempt(&self, known: &Known, now: Instant) -> Result<(), Fault> {
        let delivery = &known.delivery;
        let Some(address) = known.address.as_ref() else { return Ok(()) };
        let provider = match self.provider(delivery.channel, now).await? {
            Ok(found) => found,
            Err(until) => return self.wait(delivery, until, now).await,
        };
        // What is refused may have taken a turn: it is rare, and this is a round trip less for all others.
        let (refused, its_turn) = tokio::try_join!(self.is_refused(address), self.is_its_turn(known, provider, now))?;
        if let Some(why) = refused {
            return self.store.close(delivery, DeliveryState::Skipped, &why, now).await;
        }
        if !its_turn {
            return Ok(());
        }
        // Neither needs the other's answer: one round trip.
        let (room, work) = tokio::try_join!(self.has_room(known, now), self.store.take(delivery, now))?;
        let Some(work) = work else { return Ok(()) };
        if !room {
            return self.store.end(&work, &Ending::Skipped("user-cap".to_owned()), now).await;
        }
        if !self.can_be_paid(known, now).await? {
            return self.store.end(&work, &Ending::Skipped("spend-cap".to_owned()), now).await;
        }
        let unknown = work.delivery.unknown();
        if unknown > 0 {
            // The provider is asked again though it may have done it: all that can be done is to say so.
            aws::count("maybe_sent_twice", 1.0);
        }
        let unsubscribe = self.links.unsubscribe(delivery, &known.notification.kind);
        let parcel = Parcel {
            notification: &known.notification,
            delivery: &work.delivery,
            address,
            unsubscribe: &unsubscribe,
            now,
        };
        let outcome = self.providers.send(provider, parcel).await;
        if !matches!(outcome, Outcome::Sent { .. } | Outcome::Unknown(_)) {
            self.give_back(known, now).await;
        }
        self.conclude(known, &work, provider, outcome).await
    }

    async fn conclude(&self, known: &Known, work: &Work, provider: Provider, outcome: Outcome) -> Result<(), Fault> {
        let (now, delivery) = (self.clock.now(), &work.delivery);
        let failing = matches!(outcome, Outcome::Unavailable(_) | Outcome::Unknown(_));
        let again = |why: String, known: bool| match delivery.retry_at(now, &self.settings.retries) {
            Some(at) => Ending::Again { at, why, failed: true, known },
            None => Ending::Failed(why),
        };
        let mut gone = None;
        let ending = match outcome {
            Outcome::Sent { id, delivered } => {
                aws::count(sent_count(delivery.channel), 1.0);
                Ending::Sent { delivered, provider: provider.name(), id }
            }
            Outcome::Refused(why) => Ending::Failed(why),
            Outcome::Gone(why) => {
                gone = known.address.as_ref();
                Ending::Failed(why)
            }
            Outcome::Busy(at, why) if !delivery.waits_too_long(now) => {
                let at = at.unwrap_or(now + delivery.pause(now)).max(now + Duration::from_secs(1));
                Ending::Again { at, why, failed: false, known: true }
            }
            Outcome::Busy(_, why) => Ending::Failed(why),
            Outcome::Unavailable(why) => again(why, true),
            Outcome::Unknown(why) => {
                aws::count("outcomes_unknown", 1.0);
                again(why, false)
            }
        };
        if let Ending::Failed(why) = &ending {
            aws::count("deliveries_failed", 1.0);
            tracing::warn!(
                notification = delivery.notification,
                channel = %delivery.channel,
                provider = provider.name(),
                why,
                "a delivery is given up"
            );
        }
        self.store.end(work, &ending, now).await?;
        if let Some(address) = gone {
            self.lose(address, now).await?;
        }
        if failing && provider.is_one() {
            self.store.note_failure(provider.name(), now).await?;
        }
        Ok(())
    }

    /// The address takes nothing any more: so that nobody tries again.
    pub(crate) async fn lose(&self, address: &Address, now: Instant) -> Result<(), Fault> {
        aws::count("addresses_gone", 1.0);
        let key = crate::store::keys::address(&address.tenant, &address.user, &address.id);
        self.store.set_address_state(key, &address.target, AddressState::Gone, now).await?;
        self.leave_endpoint(address).await
    }

    /// Whether the user may be interrupted once more in this hour.
    async fn has_room(&self, known: &Known, now: Instant) -> Result<bool, Fault> {
        let Notification { tenant, user, id, priority, digest, .. } = &known.notification;
        // A digest comes when its user asked for it, and stands for many.
        let passes = *digest || *priority == Priority::Critical;
        if passes || !known.delivery.channel.interrupts() || self.settings.user_cap == 0 {
            return Ok(true);
        }
        self.store.interrupt(tenant, user, id, self.settings.user_cap, now).await
    }

    /// Why an address takes nothing, whatever its own state is: another user's mail to the same mailbox came back for
    /// good or was called spam, or text messages do not go to its country any more.
    async fn is_refused(&self, address: &Address) -> Result<Option<String>, Fault> {
        match &address.target {
            Target::Email { email } => {
                let suppressed = self.store.suppressed(&address.tenant, &self.mail_digest(email)).await?;
                Ok(suppressed.map(|it| format!("address-{}", it.state)))
            }
            Target::Sms { phone } if !self.settings.sms_prefixes.allow(phone) => Ok(Some("country-refused".to_owned())),
            _ => Ok(None),
        }
    }

    /// Whether the tenant may spend what a text message costs.
    async fn can_be_paid(&self, known: &Known, now: Instant) -> Result<bool, Fault> {
        let Some(micros) = self.price(known) else { return Ok(true) };
        self.store.spend(&known.delivery.tenant, micros, self.settings.sms_most_micros, now).await
    }

    /// What was not sent costs nothing. Where this is not noted, the tenant may spend so much less today.
    async fn give_back(&self, known: &Known, now: Instant) {
        let Some(micros) = self.price(known) else { return };
        if let Err(fault) = self.store.give_back(&known.delivery.tenant, micros, now).await {
            tracing::warn!(fault = fault.chain(), "what a text message would have cost is not given back");
        }
    }

    fn price(&self, known: &Known) -> Option<u64> {
        let costs = known.delivery.channel == Channel::Sms;
        costs.then(|| u64::from(segments(&sms_text(&known.notification))) * self.settings.sms_micros)
    }
}

fn sent_count(channel: Channel) -> &'static str {
    match channel {
        Channel::Push => "sent_push",
        Channel::Email => "sent_email",
        Channel::Sms => "sent_sms",
        Channel::InApp => "delivered_in_app",
        Channel::WebPush => "sent_web_push",
        Channel::Webhook => "sent_webhook",
    }
}
