//! Where a user can be reached.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Instant;
use types::time::{millis, opt_millis};

use super::{Channel, NotificationError};

/// Most addresses of one user, of all channels together: what one notification's transaction has room for.
pub const MOST_ADDRESSES: usize = 20;
/// Longest push token, in bytes: APNs names no length and uses some 64 to 200, FCM some 160 to 300.
const MOST_TOKEN_BYTES: usize = 4096;
/// Longest mail address, in bytes (RFC 5321, 4.5.3.1.3, without the brackets).
const MOST_EMAIL_BYTES: usize = 254;

/// Whose service takes a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Apple Push Notification service.
    Apns,
    /// The same for apps under development.
    ApnsSandbox,
    /// Firebase Cloud Messaging.
    Fcm,
}

impl Platform {
    /// As SNS calls it, in ARNs and as a message's key.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apns => "APNS",
            Self::ApnsSandbox => "APNS_SANDBOX",
            Self::Fcm => "GCM",
        }
    }
}

/// What is needed to reach an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Target {
    /// An app on a device, through SNS.
    Push { platform: Platform, token: String, endpoint: String },
    /// A mailbox.
    Email { email: String },
    /// A phone.
    Sms { phone: String },
    /// A browser (Push API): where its push service takes messages, and the browser's keys.
    WebPush { endpoint: String, p256dh: String, auth: String },
    /// A server.
    Webhook { url: String, secrets: Vec<Signing> },
}

/// A secret that a webhook is signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signing {
    /// `whsec_…`
    pub secret: String,
    /// When it ends, after another took its place.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
}

/// Whether an address is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AddressState {
    /// Nobody has confirmed it.
    Unverified,
    /// It is.
    Active,
    /// Mail to it came back for good.
    Bounced,
    /// Its owner called a mail spam.
    Complained,
    /// Its provider says that it is no more: an app removed, a subscription ended, a webhook that answered 410.
    Gone,
}

impl fmt::Display for AddressState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unverified => "unverified",
            Self::Active => "active",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Gone => "gone",
        })
    }
}

/// An address of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Whose user.
    pub tenant: String,
    /// The user.
    pub user: String,
    /// The same for the same thing, so that it is registered once.
    pub id: String,
    /// How to reach it.
    pub target: Target,
    /// Whether it is used.
    pub state: AddressState,
    /// When it was registered.
    #[serde(with = "millis")]
    pub created_at: Instant,
    /// When its state or target changed last.
    #[serde(with = "millis")]
    pub updated_at: Instant,
    /// When its owner was known to be who they are, for the first time or since it took no mail.
    #[serde(with = "opt_millis", default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Instant>,
}

impl Target {
    /// Its channel.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Push { .. } => Channel::Push,
            Self::Email { .. } => Channel::Email,
            Self::Sms { .. } => Channel::Sms,
            Self::WebPush { .. } => Channel::WebPush,
            Self::Webhook { .. } => Channel::Webhook,
        }
    }

    /// Whether it is the same mailbox, phone, device, browser or server.
    pub fn is_same(&self, other: &Self) -> bool {
        self.channel() == other.channel() && self.identity() == other.identity()
    }

    /// What tells it from others of its channel.
    pub fn identity(&self) -> &str {
        match self {
            Self::Push { token, .. } => token,
            Self::Email { email } => email,
            Self::Sms { phone } => phone,
            Self::WebPush { endpoint, .. } => endpoint,
            Self::Webhook { url, .. } => url,
        }
    }
}

/// A token of a device, as it may be.
///
/// # Errors
/// When it is empty, too long or has spaces in it.
pub fn token(text: &str) -> Result<String, NotificationError> {
    let right = (1..=MOST_TOKEN_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    right.then(|| text.to_owned()).ok_or(NotificationError::Address("the token is no device token"))
}

/// A mail address that SES takes: ASCII, one `@`, a domain with a dot; the domain in lower case. Whether it exists,
/// only a mail can tell.
///
/// # Errors
/// When it is none.
pub fn email(text: &str) -> Result<String, NotificationError> {
    let wrong = NotificationError::Address("the email is no address that mail can be sent to");
    let Some((local, domain)) = text.rsplit_once('@') else { return Err(wrong) };
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&byte);
    let local_right = (1..=64).contains(&local.len())
        && local.bytes().all(atom)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let domain_right = domain.contains('.') && domain.split('.').all(label);
    if !local_right || !domain_right || text.len() > MOST_EMAIL_BYTES {
        return Err(wrong);
    }
    Ok(format!("{local}@{}", domain.to_ascii_lowercase()))
}

/// A phone number in E.164: `+` and 7 to 15 digits, the first no zero. Spaces, dots, dashes and brackets are left out.
///
/// # Errors
/// When it is none.
pub fn phone(text: &str) -> Result<String, NotificationError> {
    let wrong = NotificationError::Address("the phone is no number of E.164, such as +14155550100");
    let Some(digits) = text.trim().strip_prefix('+') else { return Err(wrong) };
    let digits: String = digits.chars().filter(|c| !" .-()".contains(*c)).collect();
    let right = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if right { Ok(format!("+{digits}")) } else { Err(wrong) }
}

/// The countries that are sent to: prefixes of numbers, `+1` or, excluded, `!+1900`. The longest that fits decides,
/// since costly numbers hide behind cheap countries (SMS pumping).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prefixes(Vec<(String, bool)>);

impl Prefixes {
    /// Reads a list that is separated by commas.
    ///
    /// # Errors
    /// When a part of it is no prefix.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let part = |part: &str| {
            let (prefix, allowed) = part.strip_prefix('!').map_or((part, true), |rest| (rest, false));
            let digits = prefix.strip_prefix('+').unwrap_or_default();
            let right = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if right { Ok((prefix.to_owned(), allowed)) } else { Err(format!("{part:?} is no prefix such as +44")) }
        };
        parts.map(part).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a number may be sent to.
    pub fn allow(&self, phone: &str) -> bool {
        let fitting = self.0.iter().filter(|(prefix, _)| phone.starts_with(prefix.as_str()));
        fitting.max_by_key(|(prefix, _)| prefix.len()).is_some_and(|(_, allowed)| *allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses() {
        for (text, right) in [
            ("ada@Example.COM", Some("ada@example.com")),
            ("a.b+c@mail.example.org", Some("a.b+c@mail.example.org")),
            ("ada@localhost", None),
            ("ada", None),
            ("@a.example", None),
            ("a b@a.example", None),
            (".a@a.example", None),
            ("a..b@a.example", None),
            ("a@-a.example", None),
            ("a@a..example", None),
            ("ada@a.example\r\nBcc: b@b.example", None),
            ("<ada@a.example>", None),
            ("ädä@a.example", None),
        ] {
            assert_eq!(email(text).ok().as_deref(), right, "{text:?}");
        }
        assert!(email(&format!("{}@a.example", "x".repeat(65))).is_err());
    }

    #[test]
    fn phone_numbers_of_e164() {
        for (text, right) in [
            ("+14155550100", Some("+14155550100")),
            ("+44 (20) 7946-0958", Some("+442079460958")),
            ("14155550100", None),
            ("+0123456789", None),
            ("+123456", None),
            ("+1234567890123456", None),
            ("+1415555010x", None),
        ] {
            assert_eq!(phone(text).ok().as_deref(), right, "{text:?}");
        }
    }

    #[test]
    fn the_longest_prefix_decides_where_text_messages_go() {
        let prefixes = Prefixes::parse("+1, !+1900,!+1473, +44").unwrap();
        for (phone, allowed) in [
            ("+14155550100", true),
            ("+19005550100", false),
            ("+14735550100", false),
            ("+442079460958", true),
            ("+8821234567", false),
        ] {
            assert_eq!(prefixes.allow(phone), allowed, "{phone}");
        }
        assert!(!Prefixes::parse("").unwrap().allow("+14155550100"), "nothing is allowed by nothing");
        assert!(Prefixes::parse("+1,US").is_err() && Prefixes::parse("!").is_err());
    }
}
