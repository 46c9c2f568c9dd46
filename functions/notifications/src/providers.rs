//! Who carries notifications: what each is given, and what each answer means.

mod amazon;
mod http;

use std::sync::{Arc, OnceLock};

use aws::Sdk;
use aws::env::Env;
use outbound::Outbound;
use types::secret::PurposeKey;
use types::{Answer, Fault, Instant, Secret};

use crate::domain::{Address, Channel, Delivery, Notification, Target};
use crate::settings::Settings;
use crate::web_push::Vapid;

/// How a provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It took it.
    Sent {
        /// Its id of it.
        id: Option<String>,
        /// Whether it has arrived.
        delivered: bool,
    },
    /// It will never take it.
    Refused(String),
    /// It will never take anything for this address.
    Gone(String),
    /// It is asked too often; perhaps then.
    Busy(Option<Instant>, String),
    /// It failed, without effect.
    Unavailable(String),
    /// Nobody knows whether it took it.
    Unknown(String),
}

/// One way to send: a provider, and where there are two regions of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// Amazon SES in the stage's region …
    Ses,
    /// … and in another, for when that is down.
    SesElsewhere,
    /// Text messages of Amazon SNS …
    SnsSms,
    /// … and from another region.
    SnsSmsElsewhere,
    /// Pushes of Amazon SNS.
    SnsPush,
    /// The push services of browsers.
    WebPush,
    /// Webhooks.
    Webhook,
}

impl Provider {
    /// As it is told and stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ses => "ses",
            Self::SesElsewhere => "ses-elsewhere",
            Self::SnsSms => "sns-sms",
            Self::SnsSmsElsewhere => "sns-sms-elsewhere",
            Self::SnsPush => "sns-push",
            Self::WebPush => "web-push",
            Self::Webhook => "webhook",
        }
    }

    /// Whether its failures are one service's. A webhook's or a push service's failure says nothing about another's.
    pub fn is_one(self) -> bool {
        !matches!(self, Self::WebPush | Self::Webhook)
    }
}

/// What is sent, and to whom.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Parcel<'a> {
    pub notification: &'a Notification,
    pub delivery: &'a Delivery,
    pub address: &'a Address,
    /// Where one click ends such mails.
    pub unsubscribe: &'a str,
    pub now: Instant,
}

/// All providers of a stage. Clients are made when first used.
#[derive(Clone)]
pub struct Providers(Arc<Inner>);

struct Inner {
    sdk: Sdk,
    elsewhere: Option<Sdk>,
    mail_from: String,
    configuration_set: String,
    /// What a part of a text message may cost, in millionths of a dollar.
    sms_micros: u64,
    vapid: Vapid,
    vapid_subject: String,
    topics: PurposeKey,
    outbound: Outbound,
    ses: OnceLock<aws_sdk_sesv2::Client>,
    sns: OnceLock<aws_sdk_sns::Client>,
}

impl Providers {
    /// Reads the template's variables.
    ///
    /// # Errors
    /// When one is missing.
    pub fn from_env(env: &Env, sdk: &Sdk, secret: &Secret) -> Result<Self, Fault> {
        // A call that the SDK sends again after a lost answer would be a second mail.
        let sdk = sdk.without_retries();
        let elsewhere = env.get("OTHER_REGION").map(|region| sdk.in_region(region));
        let mail_from = env.require("MAIL_FROM")?.to_owned();
        let (_, address) = crate::mail::sender(&mail_from);
        Ok(Self(Arc::new(Inner {
            elsewhere,
            vapid_subject: format!("mailto:{address}"),
            mail_from,
            configuration_set: env.require("CONFIGURATION_SET")?.to_owned(),
            sms_micros: Settings::sms_micros_of(env)?,
            vapid: Vapid::new(&secret.key("vapid"))?,
            topics: secret.key("topics"),
            outbound: Outbound::new(env.parse_or("ALLOW_PRIVATE_HOSTS", false)?),
            ses: OnceLock::new(),
            sns: OnceLock::new(),
            sdk,
        })))
    }

    /// The key that browsers subscribe with.
    pub fn vapid_key(&self) -> String {
        self.0.vapid.public_key()
    }

    /// The providers of a channel, the preferred first.
    pub fn of(&self, channel: Channel) -> Vec<Provider> {
        let all: &[Provider] = match channel {
            Channel::Email => &[Provider::Ses, Provider::SesElsewhere],
            Channel::Sms => &[Provider::SnsSms, Provider::SnsSmsElsewhere],
            Channel::Push => &[Provider::SnsPush],
            Channel::WebPush => &[Provider::WebPush],
            Channel::Webhook => &[Provider::Webhook],
            Channel::InApp => &[],
        };
        let there = |provider: &Provider| {
            self.0.elsewhere.is_some() || !matches!(provider, Provider::SesElsewhere | Provider::SnsSmsElsewhere)
        };
        all.iter().copied().filter(there).collect()
    }

    /// Sends it, once.
    pub async fn send(&self, provider: Provider, parcel: Parcel<'_>) -> Outcome {
        let inner = &*self.0;
        let sent = match (provider, &parcel.address.target) {
            (Provider::Ses, Target::Email { email }) => inner.mail(inner.ses(), email, parcel).await,
            (Provider::SesElsewhere, Target::Email { email }) => match &inner.elsewhere {
                Some(sdk) => inner.mail(&sdk.ses(), email, parcel).await,
                None => return Outcome::Unavailable("there is no other region".to_owned()),
            },
            (Provider::SnsSms, Target::Sms { phone }) => inner.text(inner.sns(), phone, parcel).await,
            (Provider::SnsSmsElsewhere, Target::Sms { phone }) => match &inner.elsewhere {
                Some(sdk) => inner.text(&sdk.sns(), phone, parcel).await,
                None => return Outcome::Unavailable("there is no other region".to_owned()),
            },
            (Provider::SnsPush, Target::Push { platform, endpoint, .. }) => {
                inner.push(*platform, endpoint, parcel).await
            }
            (Provider::WebPush, Target::WebPush { endpoint, p256dh, auth }) => {
                inner.to_browser(endpoint, p256dh, auth, parcel).await
            }
            (Provider::Webhook, Target::Webhook { url, secrets }) => inner.to_webhook(url, secrets, parcel).await,
            _ => return Outcome::Refused("the address is of another channel".to_owned()),
        };
        sent.unwrap_or_else(|fault| Outcome::Refused(fault.to_string()))
    }

    /// Sends a mail that this system itself has to say.
    ///
    /// # Errors
    /// Refuses with what SES said of the mailbox.
    pub async fn say(&self, to: &str, subject: &str, text: &str) -> Answer<(), Outcome> {
        self.0.own_mail(to, subject, text).await
    }

    /// Registers a device at SNS and answers with its endpoint. A token that is there already gives the same one.
    ///
    /// # Errors
    /// Refuses with what SNS said where the token cannot be, or the application is not there.
    pub async fn register(&self, application: &str, token: &str) -> Answer<String, Outcome> {
        self.0.create_endpoint(application, token).await
    }

    /// Gives an endpoint another token and switches it on again.
    ///
    /// # Errors
    /// Refuses with what SNS said.
    pub async fn refresh(&self, endpoint: &str, token: &str) -> Answer<(), Outcome> {
        self.0.refresh_endpoint(endpoint, token).await
    }

    /// Forgets an endpoint; one that is not there is forgotten.
    ///
    /// # Errors
    /// When SNS does not answer.
    pub async fn forget(&self, endpoint: &str) -> Result<(), Fault> {
        self.0.delete_endpoint(endpoint).await
    }
}

impl Inner {
    fn ses(&self) -> &aws_sdk_sesv2::Client {
        self.ses.get_or_init(|| self.sdk.ses())
    }

    fn sns(&self) -> &aws_sdk_sns::Client {
        self.sns.get_or_init(|| self.sdk.sns())
    }
}
