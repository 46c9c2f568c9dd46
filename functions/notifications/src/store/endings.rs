//! How attempts end.

use dynamo::{Item as _, UpdateExpression, eq, missing};
use serde::de::IgnoredAny;
use types::{Fault, Instant};

use super::deliveries::{Refused, Work};
use super::statuses::Message;
use super::{Store, due_id};
use crate::domain::{Delivery, DeliveryState, Errand};

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The provider took it, or it arrived.
    Sent {
        /// Whether that is arrival.
        delivered: bool,
        /// Who sent it.
        provider: &'static str,
        /// The provider's id of it.
        id: Option<String>,
    },
    /// It is tried again then.
    Again {
        /// When.
        at: Instant,
        /// Why.
        why: String,
        /// Whether it failed, or its provider had no time for it, which does not count.
        failed: bool,
        /// Whether it is known that it had no effect.
        known: bool,
    },
    /// It is given up.
    Failed(String),
    /// It was not to be sent after all.
    Skipped(String),
}

impl Store {
    /// Notes how an attempt ended, if it is still ours: one conditional write, or where it comes again one transaction
    /// with what waits for that. Where its provider has told meanwhile what became of it, that stands, and one write
    /// more notes the rest.
    ///
    /// # Errors
    /// Our failure. Whether it was noted is then unknown, and so is to the next worker whether it was sent.
    pub async fn end(&self, work: &Work, ending: &Ending, now: Instant) -> Result<(), Fault> {
        let standing = |standing: Option<Delivery>| Refused::by(standing);
        let expression = self.ended(work, ending, now);
        let noted = match ending {
            Ending::Again { at, .. } => {
                let errand = Errand { due_at: *at, ..work.delivery.errand() };
                let id = due_id(&errand, &format!("attempt{}", work.delivery.attempts));
                let due = self.due(work.delivery.priority).item(&id, *at, &errand, now).await?;
                let transaction =
                    self.table.transact::<Refused>().update(&work.delivery.key(), &expression, standing)?;
                transaction.put(&due, missing("pk"), |_| Refused::Done)?.send::<()>().await?.map(drop)
            }
            // By which SNS tells what became of it.
            Ending::Sent { id: Some(id), .. } if self.statuses.tell_of(work.delivery.channel) => {
                let message = Message::of(&work.delivery, id, now);
                let transaction =
                    self.table.transact::<Refused>().update(&work.delivery.key(), &expression, standing)?;
                transaction.put(&message, missing("pk"), |_| Refused::Done)?.send::<()>().await?.map(drop)
            }
            _ => {
                let update = self.table.update(work.delivery.key()).apply(expression);
                update.send_or::<IgnoredAny, Delivery, Refused>(standing).await?.map(drop)
            }
        };
        match noted {
            Ok(()) => return Ok(()),
            Err(Refused::Done) => {
                let told = self.told(work, ending, now);
                let update = self.table.update(work.delivery.key()).apply(told);
                if update.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.is_ok() {
                    return Ok(());
                }
            }
            Err(Refused::Held) => {}
        }
        aws::count("leases_lost", 1.0);
        Ok(())
    }

    /// What is noted of an attempt where its provider was quicker to tell what became of it.
    fn told(&self, work: &Work, ending: &Ending, now: Instant) -> UpdateExpression {
        let base = UpdateExpression::new().when(work.lease.held()).remove("lease_holder").remove("lease_until");
        let base = base.add("answered", 1_u64);
        match ending {
            Ending::Sent { provider, id: Some(id), .. } => {
                base.set("sent_at", now).set("provider", *provider).set("provider_id", id.as_str())
            }
            Ending::Sent { provider, id: None, .. } => base.set("sent_at", now).set("provider", *provider),
            _ => base,
        }
    }

    fn ended(&self, work: &Work, ending: &Ending, now: Instant) -> UpdateExpression {
        let ours = work.lease.held().and(eq("state", DeliveryState::Leased.name()));
        let base = UpdateExpression::new().when(ours).remove("lease_holder").remove("lease_until");
        let state = |state: DeliveryState| base.clone().set("state", state.name());
        match ending {
            Ending::Sent { delivered, provider, id } => {
                let sent = if *delivered { DeliveryState::Delivered } else { DeliveryState::Sent };
                let mut expression = state(sent).set("sent_at", now).set("provider", *provider).remove("reason");
                if let Some(id) = id {
                    expression = expression.set("provider_id", id.as_str());
                }
                let expression = if *delivered { expression.set("delivered_at", now) } else { expression };
                expression.add("answered", 1_u64)
            }
            Ending::Again { at, why, failed, known } => {
                let expression = state(DeliveryState::Pending).set("due_at", *at).set("reason", why.as_str());
                let expression = match failed {
                    true => expression.remove("waits_since"),
                    false => expression.set("waits_since", work.delivery.waits_since.unwrap_or(now)),
                };
                let counts = [("failures", failed), ("answered", known)];
                counts.into_iter().filter(|(_, counts)| **counts).fold(expression, |e, (name, _)| e.add(name, 1_u64))
            }
            Ending::Failed(why) => state(DeliveryState::Failed).set("reason", why.as_str()).add("answered", 1_u64),
            Ending::Skipped(why) => state(DeliveryState::Skipped).set("reason", why.as_str()).add("answered", 1_u64),
        }
    }
}
