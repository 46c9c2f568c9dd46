//! What providers tell later: mails that arrived, came back, were called spam, opened or clicked; devices gone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use types::{Fault, Instant};

use crate::App;
use crate::domain::{AddressState, Channel, Delivery, Target};
use crate::store::{Suppressed, Told, keys};

/// A message of the topic that SES and SNS tell their events to, in SNS's envelope.
#[derive(Debug, Deserialize)]
pub struct Envelope {
    /// The event, as JSON.
    #[serde(rename = "Message")]
    message: String,
}

/// An event: of a mail (SES, *Event publishing*; `eventType`), or of a push (SNS, *Application event notifications*).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    event_type: String,
    /// The same where a topic of an identity tells it.
    #[serde(default)]
    notification_type: String,
    mail: Option<Mail>,
    #[serde(default)]
    bounce: Bounce,
    delivery: Option<Stamp>,
    complaint: Option<Stamp>,
    open: Option<Stamp>,
    click: Option<Stamp>,
    #[serde(rename = "EventType", default)]
    push_event: String,
    #[serde(rename = "EndpointArn")]
    endpoint: Option<String>,
    #[serde(rename = "FailureType", default)]
    failure: String,
}

#[derive(Debug, Deserialize)]
struct Mail {
    #[serde(default)]
    tags: std::collections::BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Bounce {
    bounce_type: String,
    bounce_sub_type: String,
    timestamp: Option<Instant>,
}

#[derive(Debug, Deserialize)]
struct Stamp {
    timestamp: Option<Instant>,
}

impl Event {
    /// When it happened, where it says so.
    fn at(&self) -> Option<Instant> {
        let stamps = [&self.delivery, &self.complaint, &self.open, &self.click];
        stamps.into_iter().flatten().find_map(|stamp| stamp.timestamp).or(self.bounce.timestamp)
    }
}

impl Mail {
    fn tag(&self, name: &str) -> Option<String> {
        let value = self.tags.get(name)?.first()?;
        String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok()
    }
}

impl App {
    /// Notes what an event says. One that is not of a notification, such as of a mail that asks to verify an address,
    /// is left.
    pub(crate) async fn take_feedback(&self, envelope: &Envelope) -> Result<(), Fault> {
        // SES says in plain words that it has validated the topic.
        if !envelope.message.trim_start().starts_with('{') {
            aws::count("feedback_of_others", 1.0);
            return Ok(());
        }
        let event: Event = serde_json::from_str(&envelope.message)
            .map_err(|e| Fault::permanent("reading an event of a provider").caused_by(e))?;
        match (&event.mail, &event.endpoint) {
            (Some(mail), _) => self.of_mail(&event, mail).await,
            (None, Some(endpoint)) => self.of_endpoint(&event, endpoint).await,
            _ => Ok(()),
        }
    }

    async fn of_mail(&self, event: &Event, mail: &Mail) -> Result<(), Fault> {
        let (Some(tenant), Some(notification), Some(address)) =
            (mail.tag("tenant"), mail.tag("notification"), mail.tag("address"))
        else {
            aws::count("feedback_of_others", 1.0);
            return Ok(());
        };
        let key = keys::delivery(&tenant, &notification, Channel::Email, &address);
        let at = event.at().unwrap_or_else(|| self.clock.now());
        let kind = if event.event_type.is_empty() { &event.notification_type } else { &event.event_type };
        let told = match kind.as_str() {
            "Delivery" => Told::Delivered,
            "Bounce" if event.bounce.bounce_type == "Permanent" => Told::Bounced,
            // SES goes on trying for a day, and tells when it gives up. A full mailbox may have room another day.
            "Bounce" => Told::Returned,
            "Complaint" => Told::Complained,
            "Open" => Told::Opened,
            "Click" => Told::Clicked,
            "Reject" | "Rendering Failure" => Told::Rejected,
            _ => return Ok(()),
        };
        let reason = (told == Told::Rejected).then_some("rejected");
        let template = mail.tag("template");
        let template = template.as_deref().map(|template| (tenant.as_str(), template));
        if !self.store.note_feedback(&key, told, template, reason, at).await? {
            aws::count("feedback_repeated", 1.0);
        }
        // Not only at the first time: a worker may have died in between.
        let lost = match told {
            Told::Bounced => AddressState::Bounced,
            Told::Complained => AddressState::Complained,
            _ => return Ok(()),
        };
        match self.store.delivery(&key).await? {
            Some(delivery) => self.no_more_mail(&delivery, lost, &event.bounce, at).await,
            None => Ok(()),
        }
    }

    /// The address takes no mail any more, nor do others' registrations of it, until its owner confirms it anew.
    async fn no_more_mail(
        &self,
        delivery: &Delivery,
        state: AddressState,
        bounce: &Bounce,
        at: Instant,
    ) -> Result<(), Fault> {
        let found = self.store.address(&delivery.tenant, &delivery.user, &delivery.address).await?;
        let Ok(address) = found else { return Ok(()) };
        let Target::Email { email } = &address.target else { return Ok(()) };
        // Confirmed anew after this mail was sent, it is not lost by what is told of it now.
        let confirmed_since = delivery.sent_at.zip(address.confirmed_at).is_some_and(|(sent, at)| at > sent);
        if confirmed_since && address.state == AddressState::Active {
            return Ok(());
        }
        aws::count("addresses_suppressed", 1.0);
        let sub_type = &bounce.bounce_sub_type;
        tracing::info!(address = address.id, %state, sub_type, "an address takes no mail any more");
        let digest = self.mail_digest(email);
        let suppressed = Suppressed { tenant: delivery.tenant.clone(), digest, state, since: at };
        self.store.suppress(&suppressed).await?;
        let key = keys::address(&delivery.tenant, &delivery.user, &delivery.address);
        self.store.set_address_state(key, &address.target, state, at).await.map(drop)
    }

    async fn of_endpoint(&self, event: &Event, endpoint: &str) -> Result<(), Fault> {
        let gone = event.push_event == "DeliveryFailure"
            && ["EndpointDisabled", "InvalidPlatformToken", "PlatformTokenExpired"].contains(&event.failure.as_str());
        if !gone {
            return Ok(());
        }
        let Some(owner) = self.store.owner_of(endpoint).await? else { return Ok(()) };
        let found = self.store.address(&owner.tenant, &owner.user, &owner.address).await?;
        let Ok(address) = found else { return Ok(()) };
        if !matches!(&address.target, Target::Push { endpoint: own, .. } if own == endpoint) {
            return Ok(());
        }
        aws::count("addresses_gone", 1.0);
        let key = keys::address(&owner.tenant, &owner.user, &owner.address);
        self.store.set_address_state(key, &address.target, AddressState::Gone, self.clock.now()).await?;
        self.leave_endpoint(&address).await
    }
}
