//! What is to be done: with a notification when it is accepted, and with a delivery when a worker looks at it.

use std::time::Duration;

use types::{Instant, Priority};

use super::{Address, AddressState, Channel, DIGEST, Delivery, Fallback, Notification, OptOut, Preferences, When};

/// What a worker does with a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is done, or not due.
    Leave,
    /// It is not to be sent.
    Skip(String),
    /// It is not to be sent now.
    Defer(Instant, &'static str),
    /// The user's digest that is due then takes it in.
    Collect(Instant),
    /// It is to be sent.
    Send,
}

/// What is known when a worker looks.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Sight<'a> {
    pub notification: &'a Notification,
    pub delivery: &'a Delivery,
    /// When it was due, by the message that brought it.
    pub brought_for: Instant,
    pub preferences: &'a Preferences,
    /// None for a channel that needs none, and where it was deleted.
    pub address: Option<&'a Address>,
    /// The newest notification of its collapse key.
    pub newest: Option<&'a str>,
    /// How the notification's other deliveries stand, where this one depends on them.
    pub others: Others,
}

/// How a notification went so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Others {
    /// A delivery of the channel that this one stands in for was taken by its provider.
    pub sent: bool,
    /// It was opened, or read in the inbox.
    pub read: bool,
}

impl Sight<'_> {
    /// What to do now. Everything is judged again at the moment of sending: a user may have opted out since, and quiet
    /// hours may have begun.
    pub fn step(&self, now: Instant) -> Step {
        let (notification, delivery) = (self.notification, self.delivery);
        if delivery.state.is_final() {
            return Step::Leave;
        }
        if now < delivery.due_at && self.brought_for != delivery.due_at {
            return Step::Leave; // an old message: its own time brings it again
        }
        // It is due, by the clock of whoever sent the message. By this one, which is behind, quiet hours would put it
        // off until the moment for which it was brought.
        let now = now.max(delivery.due_at);
        if let Some(reason) = self.refusal(now) {
            return Step::Skip(reason);
        }
        // What was tried already may have arrived, and would be told twice.
        let collected = self.preferences.digest_until(notification, delivery.channel, now);
        if let Some(until) = collected.filter(|_| delivery.attempts == 0) {
            // Whoever ended the digest's mails did not ask for more of them instead.
            return match self.preferences.allows(DIGEST, delivery.channel) {
                Ok(()) => Step::Collect(until),
                Err(_) => Step::Skip("opted-out-digest".to_owned()),
            };
        }
        let critical = notification.priority == Priority::Critical;
        match self.preferences.quiet_until(delivery.channel, critical, now) {
            // What would be stale by then is not kept for then.
            Some(until) if notification.expires_at.is_some_and(|at| at <= until) => Step::Skip("expired".to_owned()),
            Some(until) => Step::Defer(until, "quiet-hours"),
            None => Step::Send,
        }
    }

    fn refusal(&self, now: Instant) -> Option<String> {
        let (notification, delivery) = (self.notification, self.delivery);
        if notification.canceled_at.is_some() {
            return Some("canceled".to_owned());
        }
        if notification.expires_at.is_some_and(|at| at <= now) {
            return Some("expired".to_owned());
        }
        if self.newest.is_some_and(|newest| newest > notification.id.as_str()) {
            return Some("collapsed".to_owned());
        }
        match delivery.when {
            Some(When::Failed) if self.others.sent => return Some("not-needed".to_owned()),
            Some(When::Unread) if self.others.read => return Some("read".to_owned()),
            _ => {}
        }
        if let Err(opt_out) = self.preferences.allows(&notification.kind, delivery.channel) {
            return Some(opt_out.name().to_owned());
        }
        match (delivery.channel, self.address) {
            (Channel::InApp, _) => None,
            (_, None) => Some("address-deleted".to_owned()),
            (_, Some(address)) => (address.state != AddressState::Active).then(|| format!("address-{}", address.state)),
        }
    }
}

/// The deliveries that a notification becomes: one for each address of each channel, and for each channel that cannot
/// be used one that says why.
pub fn plan(notification: &Notification, addresses: &[Address], preferences: &Preferences) -> Vec<Delivery> {
    let due_at = notification.due_at();
    let mut deliveries = Vec::new();
    let asked = &notification.channels;
    for channel in Channel::ALL {
        let fallback = notification.fallback.filter(|fallback| fallback.channel == channel);
        if !asked.is_empty() && !asked.contains(&channel) && fallback.is_none() {
            continue;
        }
        let (due_at, when) = match fallback {
            Some(Fallback { after_minutes, when, .. }) if !asked.contains(&channel) => {
                (due_at + Duration::from_secs(u64::from(after_minutes) * 60), Some(when))
            }
            _ => (due_at, None),
        };
        let make = |address: &str| Delivery { when, ..Delivery::new(notification, channel, address, due_at) };
        if let Err(opt_out) = preferences.allows(&notification.kind, channel) {
            deliveries.push(make("").skipped(OptOut::name(opt_out)));
            continue;
        }
        if channel == Channel::InApp {
            deliveries.push(make(""));
            continue;
        }
        let before = deliveries.len();
        let usable = addresses
            .iter()
            .filter(|address| address.target.channel() == channel && address.state == AddressState::Active);
        deliveries.extend(usable.map(|address| make(&address.id)));
        // What was asked for and cannot be is told; what merely could have been is not.
        if deliveries.len() == before && (asked.contains(&channel) || fallback.is_some()) {
            deliveries.push(make("").skipped("no-address"));
        }
    }
    deliveries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DeliveryState, Rendered};

    fn notification(created_at: Instant) -> Notification {
        Notification {
            tenant: "acme".into(),
            id: "n".into(),
            user: "ada".into(),
            kind: "news".into(),
            priority: Priority::Normal,
            channels: vec![Channel::InApp],
            content: Rendered::plain("a", "b"),
            template: None,
            data: None,
            collapse_key: None,
            fallback: None,
            digest: false,
            created_at,
            send_at: None,
            expires_at: None,
            canceled_at: None,
            purge_at: 0,
        }
    }

    #[test]
    fn a_worker_whose_clock_is_behind_loses_nothing() {
        let due_at: Instant = "2026-11-25T07:00:00Z".parse().unwrap();
        let preferences: Preferences = serde_json::from_str(
            r#"{"quiet_hours": {"start": "22:00", "end": "08:00"}, "time_zone": "Europe/Berlin"}"#,
        )
        .unwrap();
        let notification = notification(due_at);
        let step = |brought_for: Instant, now: Instant, state: DeliveryState| {
            let delivery = &Delivery { state, ..Delivery::new(&notification, Channel::InApp, "", due_at) };
            let (notification, preferences, others) = (&notification, &preferences, Others::default());
            let sight = Sight { notification, delivery, brought_for, preferences, address: None, newest: None, others };
            sight.step(now)
        };
        let behind = due_at - Duration::from_secs(240);
        assert_eq!(step(due_at, behind, DeliveryState::Pending), Step::Send, "quiet hours end when it is due");
        assert_eq!(step(behind, behind, DeliveryState::Pending), Step::Leave, "an old message, put off since");
        assert_eq!(step(behind, due_at, DeliveryState::Pending), Step::Send);
        assert_eq!(step(due_at, behind, DeliveryState::Sent), Step::Leave);
    }
}
