//! How addresses come and go.

use std::time::Duration;

use limiter::{Algorithm, Dimension, Limit, Policy, Space, Subject, Unavailable};
use outbound::{WebhookSecret, check_url};
use schemars::JsonSchema;
use serde::Deserialize;
use types::{Answer, Fault, Instant, Tier};
use url::Url;
use web::RequestMeta;

use crate::App;
use crate::domain::{
    Address, AddressState, MOST_ADDRESSES, NotificationError, Platform, Signing, Target, address, notification,
};
use crate::links::Verify;
use crate::providers::Outcome;
use crate::view::AddressView;
use crate::web_push::Keys;

/// How long a webhook is signed with the secret before, too.
const ROTATION: Duration = Duration::from_secs(86_400);
/// Most secrets that a webhook is signed with.
const MOST_SECRETS: usize = 3;
/// Mails of a tenant that ask whether a mailbox is somebody's, and in how many seconds; of all tenants thrice as many.
const ASKED: (u64, u32) = (3, 86_400);

/// A way to reach a user.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "channel", rename_all = "snake_case", deny_unknown_fields)]
pub enum NewAddress {
    /// A device.
    Push {
        /// Whose service takes pushes.
        platform: Platform,
        /// The token that the app got from it.
        token: String,
    },
    /// A mailbox. It gets a mail with a link and is used when somebody followed that.
    Email {
        /// The address.
        email: String,
        /// The caller has verified it already: no mail, and it is used at once.
        #[serde(default)]
        verified: bool,
    },
    /// A phone.
    Sms {
        /// The number in E.164: `+14155550100`.
        phone: String,
    },
    /// A browser: what `PushSubscription.toJSON()` gives.
    WebPush {
        /// Where its push service takes messages.
        endpoint: String,
        /// Its keys.
        keys: BrowserKeys,
    },
    /// A server.
    Webhook {
        /// Where notifications are posted: `https`, and public.
        url: String,
    },
}

/// A browser's keys (RFC 8291), as base64url.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct BrowserKeys {
    pub p256dh: String,
    pub auth: String,
}

impl App {
    /// Registers an address. One that is there already is made anew: it may be used again, and a webhook keeps its
    /// secret.
    pub(crate) async fn register(
        &self,
        tenant: &str,
        user: &str,
        new: NewAddress,
        meta: &RequestMeta,
    ) -> Answer<AddressView, NotificationError> {
        let now = self.clock.now();
        let user = match notification::user(user) {
            Ok(user) => user,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let trusted = matches!(new, NewAddress::Email { verified: true, .. });
        let mut target = match self.target(new) {
            Ok(target) => target,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let known = self.store.user(tenant, &user).await?.addresses;
        // A device whose token was refreshed keeps the id that it had by its first.
        let standing = known.iter().find(|address| address.target.is_same(&target));
        let id = standing.map_or_else(|| self.address_id(tenant, &target), |address| address.id.clone());
        if standing.is_none() && known.len() >= MOST_ADDRESSES {
            return Ok(Err(NotificationError::TooManyAddresses));
        }
        let mut secret = None;
        match (&mut target, standing.map(|address| &address.target)) {
            (Target::Webhook { secrets, .. }, Some(Target::Webhook { secrets: old, .. })) => secrets.clone_from(old),
            (Target::Webhook { secrets, .. }, _) => {
                let fresh = WebhookSecret::generate().to_text();
                secret = Some(fresh.clone());
                secrets.push(Signing { secret: fresh, until: None });
            }
            (Target::Push { platform, token, endpoint }, _) => {
                match self.providers.register(&self.application(*platform), token).await? {
                    Ok(arn) => *endpoint = arn,
                    Err(Outcome::Gone(_)) => return Ok(Err(NotificationError::NoPushApplication(platform.name()))),
                    Err(_) => return Ok(Err(NotificationError::Address("SNS does not take this token"))),
                }
            }
            _ => {}
        }
        let state = match (&target, standing) {
            (Target::Email { email }, standing) => self.mail_state(tenant, email, trusted, standing).await?,
            _ => AddressState::Active,
        };
        let created_at = standing.map_or(now, |address| address.created_at);
        let was_active = standing.is_some_and(|address| address.state == AddressState::Active);
        let confirmed_at = match standing {
            Some(address) if was_active => address.confirmed_at,
            _ => Some(now).filter(|_| trusted && state == AddressState::Active),
        };
        let owner = tenant.to_owned();
        let address = Address { tenant: owner, user, id, target, state, created_at, updated_at: now, confirmed_at };
        // The mail comes first: an address that is there and was never asked would wait for ever.
        if let (AddressState::Unverified, Target::Email { email }) = (state, &address.target) {
            let scheme = if meta.header("x-forwarded-proto") == "http" { "http" } else { "https" };
            let link = self.links.verify(&address, &format!("{scheme}://{}", meta.host), now);
            if let Err(refusal) = self.ask(tenant, email, &link, now).await? {
                return Ok(Err(refusal));
            }
        }
        self.take_over(&address, now).await?;
        let seen = standing.map(|address| address.updated_at);
        self.store.put_address(&address, seen).await?;
        Ok(Ok(AddressView { secret, ..address.into() }))
    }

    /// Asks whoever reads mail at an address whether it is theirs, but not oftener than [`ASKED`], whoever wants to
    /// know: it may be a stranger's.
    async fn ask(&self, tenant: &str, email: &str, link: &str, now: Instant) -> Answer<(), NotificationError> {
        let (most, seconds) = ASKED;
        let policy = Policy {
            algorithm: Algorithm::TokenBucket,
            when_unavailable: Unavailable::Closed,
            ..Policy::of(vec![
                Dimension::new("tenant", Limit::new(most, seconds)),
                Dimension::new("mailbox", Limit::new(3 * most, seconds)),
            ])
        };
        let mailbox = self.mail_digest(email);
        let keys = [("tenant".to_owned(), format!("{tenant}#{mailbox}")), ("mailbox".to_owned(), mailbox)].into();
        let space = Space::System("notifications".to_owned());
        let subject = Subject { space: &space, id: "verifications", policy: &policy, tier: Tier::Free, keys: &keys };
        let decision = self.limiter.check(&subject, 1, now).await;
        if !decision.map_err(|e| Fault::permanent("the limit of a mailbox").caused_by(e))?.allowed {
            aws::count("verifications_left_out", 1.0);
            return Ok(Ok(()));
        }
        let text = format!("Follow this link to have notifications sent to this address:\n\n{link}\n");
        let said = self.providers.say(email, "Confirm your address", &text).await?;
        Ok(said.map_err(|_| NotificationError::Address("SES takes no mail for this address")))
    }

    /// Mail that came back for good, or was called spam, is not sent again because somebody registers the address anew:
    /// its owner has to confirm it.
    async fn mail_state(
        &self,
        tenant: &str,
        email: &str,
        trusted: bool,
        standing: Option<&Address>,
    ) -> Result<AddressState, Fault> {
        if self.store.suppressed(tenant, &self.mail_digest(email)).await?.is_some() {
            return Ok(AddressState::Unverified);
        }
        let was_active = standing.is_some_and(|address| address.state == AddressState::Active);
        Ok(if trusted || was_active { AddressState::Active } else { AddressState::Unverified })
    }

    fn target(&self, new: NewAddress) -> Result<Target, NotificationError> {
        let public = |text: &str| -> Result<String, NotificationError> {
            let url = Url::parse(text).map_err(|_| NotificationError::Address("this is no URL"))?;
            check_url(&url, self.settings.private_hosts).map_err(NotificationError::Address)?;
            Ok(url.to_string())
        };
        Ok(match new {
            NewAddress::Push { platform, token } => {
                Target::Push { platform, token: address::token(&token)?, endpoint: String::new() }
            }
            NewAddress::Email { email, .. } => Target::Email { email: address::email(&email)? },
            NewAddress::Sms { phone } => {
                let phone = address::phone(&phone)?;
                if !self.settings.sms_prefixes.allow(&phone) {
                    return Err(NotificationError::Country);
                }
                Target::Sms { phone }
            }
            NewAddress::WebPush { endpoint, keys: BrowserKeys { p256dh, auth } } => {
                Keys::parse(&p256dh, &auth).map_err(|_| NotificationError::Address("the keys are no browser's"))?;
                Target::WebPush { endpoint: public(&endpoint)?, p256dh, auth }
            }
            NewAddress::Webhook { url } => Target::Webhook { url: public(&url)?, secrets: Vec::new() },
        })
    }

    /// The same for the same thing of a tenant: a digest, since it goes into links and tags.
    fn address_id(&self, tenant: &str, target: &Target) -> String {
        let what = format!("{tenant}\0{}\0{}", target.channel(), target.identity());
        self.ids.mac_text(what.as_bytes())[..16].to_owned()
    }

    /// Under which a mail address stands on the list of those that take no mail.
    pub(crate) fn mail_digest(&self, email: &str) -> String {
        self.ids.mac_text(format!("mail\0{}", email.to_ascii_lowercase()).as_bytes())[..22].to_owned()
    }

    /// A webhook's secret is another from now on; the one before signs, too, for a day.
    pub(crate) async fn rotate(&self, tenant: &str, user: &str, id: &str) -> Answer<AddressView, NotificationError> {
        let address = match self.find_address(tenant, user, id).await? {
            Ok(address) => address,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Target::Webhook { url, secrets } = &address.target else {
            return Ok(Err(NotificationError::OtherChannel("webhook")));
        };
        let (now, fresh) = (self.clock.now(), WebhookSecret::generate().to_text());
        let ends = |signing: &Signing| signing.until.map_or(now + ROTATION, |until| until.min(now + ROTATION));
        let valid = secrets.iter().filter(|signing| signing.until.is_none_or(|until| until > now));
        let old = valid.map(|signing| Signing { until: Some(ends(signing)), ..signing.clone() });
        let newest = Signing { secret: fresh.clone(), until: None };
        let secrets: Vec<Signing> = std::iter::once(newest).chain(old).take(MOST_SECRETS).collect();
        let target = Target::Webhook { url: url.clone(), secrets };
        let changed = self.store.retarget(&address, &target, now).await?;
        Ok(changed.map(|address| AddressView { secret: Some(fresh), ..address.into() }))
    }

    /// Somebody who reads mail at an address has said that it is theirs.
    pub(crate) async fn verify(&self, link: &Verify) -> Answer<(), NotificationError> {
        let now = self.clock.now();
        let address = match self.store.address(&link.tenant, &link.user, &link.address).await? {
            Ok(address) => address,
            Err(_) => return Ok(Err(NotificationError::Token)),
        };
        if let Target::Email { email } = &address.target {
            self.store.unsuppress(&link.tenant, &self.mail_digest(email)).await?;
        }
        self.store.confirm(&address, now).await
    }

    pub(crate) async fn find_address(&self, tenant: &str, user: &str, id: &str) -> Answer<Address, NotificationError> {
        match notification::user(user) {
            Ok(user) => self.store.address(tenant, &user, id).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    pub(crate) fn application(&self, platform: Platform) -> String {
        format!("{}/{}/{}", self.settings.applications, platform.name(), self.settings.application)
    }
}
