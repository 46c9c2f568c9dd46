//! Links in mails: who has one may do the one thing that it says, without signing in.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use types::secret::PurposeKey;
use types::{Instant, Secret};

use crate::domain::{Address, Channel, Delivery, NotificationError};

/// How long an address may be verified by a link.
pub const VERIFIED_WITHIN: Duration = Duration::from_secs(3 * 86_400);
/// How long a token opens a connection to an inbox.
pub const CONNECTED_WITHIN: Duration = Duration::from_secs(300);
/// Bytes of the signature: 128 bits.
const MAC_BYTES: usize = 16;

/// Ends mails of one type to one user. It works as long as the mail is kept (RFC 8058 sets no end).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsubscribe {
    #[serde(rename = "t")]
    pub tenant: String,
    #[serde(rename = "u")]
    pub user: String,
    #[serde(rename = "k")]
    pub kind: String,
    #[serde(rename = "c")]
    pub channel: Channel,
}

/// Verifies an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verify {
    #[serde(rename = "t")]
    pub tenant: String,
    #[serde(rename = "u")]
    pub user: String,
    #[serde(rename = "a")]
    pub address: String,
    #[serde(rename = "e")]
    ends: i64,
}

/// Opens connections to a user's inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connect {
    #[serde(rename = "t")]
    pub tenant: String,
    #[serde(rename = "u")]
    pub user: String,
    #[serde(rename = "e")]
    ends: i64,
}

/// Makes and reads them.
#[derive(Debug, Clone)]
pub struct Links {
    key: PurposeKey,
    base: String,
}

impl Links {
    /// Links to this API, at its public URL.
    pub fn new(secret: &Secret, public_url: &str) -> Self {
        Self { key: secret.key("links"), base: public_url.trim_end_matches('/').to_owned() }
    }

    /// What ends such mails.
    pub fn unsubscribe(&self, delivery: &Delivery, kind: &str) -> String {
        let Delivery { tenant, user, channel, .. } = delivery.clone();
        let link = Unsubscribe { tenant, user, kind: kind.to_owned(), channel };
        format!("{}/unsubscribe/{}", self.base, self.write("unsubscribe", &link))
    }

    /// What verifies an address. Where no public URL is configured, `asked` is where the caller found this API.
    pub fn verify(&self, address: &Address, asked: &str, now: Instant) -> String {
        let Address { tenant, user, id, .. } = address.clone();
        let link = Verify { tenant, user, address: id, ends: (now + VERIFIED_WITHIN).millis() };
        let base = if self.base.is_empty() { asked } else { &self.base };
        format!("{base}/verify/{}", self.write("verify", &link))
    }

    /// A token for a user's inbox, and when it ends.
    pub fn connect(&self, tenant: &str, user: &str, now: Instant) -> (String, Instant) {
        let ends = now + CONNECTED_WITHIN;
        let link = Connect { tenant: tenant.to_owned(), user: user.to_owned(), ends: ends.millis() };
        (self.write("connect", &link), ends)
    }

    /// Reads such a token.
    ///
    /// # Errors
    /// When it was not made here, or its time is over.
    pub fn read_connect(&self, token: &str, now: Instant) -> Result<Connect, NotificationError> {
        let link = self.read::<Connect>("connect", token).ok().filter(|link| now.millis() < link.ends);
        link.ok_or(NotificationError::InboxToken)
    }

    /// Reads an unsubscription.
    ///
    /// # Errors
    /// When it was not made here.
    pub fn read_unsubscribe(&self, token: &str) -> Result<Unsubscribe, NotificationError> {
        self.read("unsubscribe", token)
    }

    /// Reads a verification.
    ///
    /// # Errors
    /// When it was not made here, or its time is over.
    pub fn read_verify(&self, token: &str, now: Instant) -> Result<Verify, NotificationError> {
        let link: Verify = self.read("verify", token)?;
        if now.millis() < link.ends { Ok(link) } else { Err(NotificationError::Token) }
    }

    fn write<T: Serialize>(&self, what: &str, link: &T) -> String {
        let json = serde_json::to_vec(link).unwrap_or_default();
        let mut bytes = self.key.mac(&signed(what, &json))[..MAC_BYTES].to_vec();
        bytes.extend(json);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read<T: DeserializeOwned>(&self, what: &str, token: &str) -> Result<T, NotificationError> {
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            let (mac, json) = bytes.split_at_checked(MAC_BYTES)?;
            let right = self.key.mac(&signed(what, json));
            aws_lc_rs::constant_time::verify_slices_are_equal(mac, &right[..MAC_BYTES]).ok()?;
            serde_json::from_slice(json).ok()
        };
        read().ok_or(NotificationError::Token)
    }
}

fn signed(what: &str, json: &[u8]) -> Vec<u8> {
    [what.as_bytes(), b"\0", json].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> Links {
        Links::new(&Secret::new("0123456789abcdef0123456789abcdef").unwrap(), "https://n.example/")
    }

    #[test]
    fn a_link_does_its_one_thing() {
        let unsubscribe =
            Unsubscribe { tenant: "acme".into(), user: "ada".into(), kind: "news".into(), channel: Channel::Email };
        let token = links().write("unsubscribe", &unsubscribe);
        assert_eq!(links().read_unsubscribe(&token), Ok(unsubscribe.clone()));
        let now = Instant::from_seconds(0);
        assert_eq!(links().read_verify(&token, now), Err(NotificationError::Token));
        let mut forged = token.into_bytes();
        for index in 0..forged.len() {
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(forged.clone()).unwrap();
            assert!(links().read_unsubscribe(&text).is_err(), "byte {index}");
            forged = links().write("unsubscribe", &unsubscribe).into_bytes();
        }
    }

    #[test]
    fn a_token_for_an_inbox_ends_and_is_for_nothing_else() {
        let now = Instant::from_seconds(1_800_000_000);
        let (token, ends) = links().connect("acme", "ada", now);
        assert_eq!(ends, now + CONNECTED_WITHIN);
        let link = Connect { tenant: "acme".into(), user: "ada".into(), ends: ends.millis() };
        assert_eq!(links().read_connect(&token, Instant::from_millis(ends.millis() - 1)), Ok(link));
        assert_eq!(links().read_connect(&token, ends), Err(NotificationError::InboxToken));
        assert_eq!(links().read_verify(&token, now), Err(NotificationError::Token));
        let verify = Verify { tenant: "acme".into(), user: "ada".into(), address: "a".into(), ends: ends.millis() };
        let other = links().write("verify", &verify);
        assert_eq!(links().read_connect(&other, now), Err(NotificationError::InboxToken));
    }

    #[test]
    fn a_verification_ends() {
        let link = Verify { tenant: "t".into(), user: "u".into(), address: "a".into(), ends: 1000 };
        let token = links().write("verify", &link);
        assert_eq!(links().read_verify(&token, Instant::from_millis(999)), Ok(link));
        assert_eq!(links().read_verify(&token, Instant::from_millis(1000)), Err(NotificationError::Token));
    }
}
