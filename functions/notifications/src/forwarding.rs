//! From the table's stream to the queues.

use types::Fault;
use work::{Change, Kind, NotSent, Outgoing, Priority};

use crate::App;
use crate::domain::fan_out::Step;
use crate::domain::{Delivery, DeliveryState, FanOut, FanOutState, InboxItem, Shard, ShardState};
use crate::store::keys;

impl App {
    /// Sends what was just made and is due to the queues of these priorities. A batch that fails half-way comes again
    /// whole; workers find the first half done.
    pub(crate) async fn forward(&self, changes: &[Change], priorities: &[Priority]) -> Result<(), Fault> {
        let mut fresh: Vec<Delivery> = Vec::new();
        // The template's filters leave nothing else.
        for change in changes.iter().filter(|it| it.kind == Kind::Insert && it.sk.starts_with(keys::DELIVERY)) {
            fresh.extend(readable(change, change.after::<Delivery>()));
        }
        self.forward_fan_outs(changes, priorities).await?;
        for &priority in priorities {
            let due = fresh.iter().filter(|delivery| {
                delivery.priority == priority && delivery.state == DeliveryState::Pending && !delivery.is_for_later()
            });
            let messages: Vec<Outgoing> = due
                .map(|delivery| Ok(Outgoing::new(&delivery.errand())?.of(&delivery.tenant)))
                .collect::<Result<_, _>>()?;
            may_pass(self.queues()?.send_all(priority, &messages).await?)?;
        }
        Ok(())
    }

    /// What TTL removed from an inbox before it was read is not new any more.
    pub(crate) async fn uncount_forgotten(&self, changes: &[Change]) -> Result<(), Fault> {
        let removed = changes.iter().filter(|it| it.kind == Kind::Remove && it.sk.starts_with(keys::ITEM));
        for change in removed {
            if let Some(item) = readable(change, change.before::<InboxItem>()) {
                self.store.uncount(&item, self.clock.now()).await?;
            }
        }
        Ok(())
    }

    /// A fan-out that is open sends each of its shards on, a shard that has a next page that page. What is sent twice
    /// is found done.
    async fn forward_fan_outs(&self, changes: &[Change], priorities: &[Priority]) -> Result<(), Fault> {
        let mut steps: Vec<Step> = Vec::new();
        for change in changes.iter().filter(|it| it.kind != Kind::Remove && it.sk.starts_with(keys::FAN_OUT)) {
            match keys::is_fan_out(&change.sk) {
                true => {
                    let fan_out = readable(change, change.after::<FanOut>()).filter(|it| it.state == FanOutState::Open);
                    let fan_out = fan_out.filter(|it| priorities.contains(&it.priority));
                    steps.extend(fan_out.iter().flat_map(FanOut::steps));
                }
                false => {
                    let shard = readable(change, change.after::<Shard>()).filter(|it| it.state == ShardState::Open);
                    steps.extend(shard.filter(|it| priorities.contains(&it.priority)).map(|shard| shard.step()));
                }
            }
        }
        if steps.is_empty() {
            return Ok(());
        }
        let messages: Vec<Outgoing> =
            steps.iter().map(|step| Ok(Outgoing::new(step)?.of(&step.tenant))).collect::<Result<_, _>>()?;
        may_pass(self.fan_outs()?.send_all(&messages).await)
    }
}

/// What cannot be read is left behind: it would hold up all changes after it until the stream has forgotten them.
fn readable<T>(change: &Change, read: Result<Option<T>, Fault>) -> Option<T> {
    read.unwrap_or_else(|fault| {
        aws::count("changes_unreadable", 1.0);
        tracing::error!(fault = fault.chain(), sk = change.sk, "a change cannot be read");
        None
    })
}

/// What was not sent comes again with all of its batch, unless it would fail each time.
fn may_pass(not_sent: Vec<NotSent>) -> Result<(), Fault> {
    for NotSent { fault, .. } in not_sent {
        if fault.is_transient() {
            return Err(fault);
        }
        aws::count("changes_not_sent", 1.0);
        tracing::error!(fault = fault.chain(), "a change cannot be sent on");
    }
    Ok(())
}
