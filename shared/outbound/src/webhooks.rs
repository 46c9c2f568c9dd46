//! Signed webhooks: the symmetric scheme (`v1`) of Standard Webhooks 1.0.0,
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use types::{Instant, random};

/// How far a webhook's timestamp may be from the receiver's clock, either way.
pub const TOLERANCE: Duration = Duration::from_secs(300);

const PREFIX: &str = "whsec_";
const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

/// What sender and receiver of one endpoint share: 24 to 64 bytes. Each endpoint has its own.
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

/// The text is not `whsec_` and the base64 of 24 to 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected whsec_ and the base64 of 24 to 64 bytes")]
pub struct BadSecret;

/// Why a webhook was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A header is missing, or malformed: an id with a full stop, a timestamp that is no number.
    #[error("{0} is missing or malformed")]
    Header(&'static str),
    /// The timestamp is more than [`TOLERANCE`] away: a replay, or a wrong clock.
    #[error("the timestamp is more than 5 minutes away")]
    Time,
    /// No signature was made with any of the secrets, or what was signed has been altered.
    #[error("no signature matches")]
    Signature,
}

impl WebhookSecret {
    /// A new secret of 32 random bytes.
    pub fn generate() -> Self {
        Self(random::bytes::<32>().to_vec())
    }

    /// Reads [`WebhookSecret::to_text`].
    ///
    /// # Errors
    /// [`BadSecret`].
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(BadSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| BadSecret)?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(BadSecret) }
    }

    /// `whsec_` and the secret in base64: shown to the receiver once, stored encrypted, never logged.
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// HMAC-SHA256 of `id.timestamp.body`.
    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        context.sign()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// The three headers of one attempt. `id` names the message, is the same at every attempt and has no full stop (with
/// one, what was signed could be read in two ways); `at` is the time of this attempt; `body` is what is sent, to the
/// byte. Every secret signs, so that a receiver which knows the old or the new one accepts: that is how they rotate.
pub fn sign(id: &str, at: Instant, body: &[u8], secrets: &[WebhookSecret]) -> [(&'static str, String); 3] {
    let timestamp = at.seconds().to_string();
    let signatures: Vec<String> =
        secrets.iter().map(|secret| format!("v1,{}", STANDARD.encode(secret.mac(id, &timestamp, body)))).collect();
    [(ID, id.to_owned()), (TIMESTAMP, timestamp), (SIGNATURE, signatures.join(" "))]
}

/// Whether a webhook is authentic and recent. `header` finds a header by its lower-case name. Signatures of other
/// versions are passed over, as the specification asks.
///
/// # Errors
/// [`Rejected`].
pub fn verify<'a>(
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    secrets: &[WebhookSecret],
    now: Instant,
) -> Result<(), Rejected> {
    let get = |name| header(name).filter(|value| !value.is_empty()).ok_or(Rejected::Header(name));
    let id = Some(get(ID)?).filter(|id| !id.contains('.')).ok_or(Rejected::Header(ID))?;
    let timestamp = get(TIMESTAMP)?;
    let at = timestamp.parse().map(Instant::from_seconds).map_err(|_| Rejected::Header(TIMESTAMP))?;
    // Both sides in whole seconds, since the timestamp knows no others.
    let now = Instant::from_seconds(now.seconds());
    if at + TOLERANCE < now || now + TOLERANCE < at {
        return Err(Rejected::Time);
    }
    let signatures: Vec<Vec<u8>> = get(SIGNATURE)?
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let matches = secrets.iter().any(|secret| {
        let mac = secret.mac(id, timestamp, body);
        signatures.iter().any(|signature| verify_slices_are_equal(mac.as_ref(), signature).is_ok())
    });
    if matches { Ok(()) } else { Err(Rejected::Signature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Instant = Instant::from_seconds(1_614_265_330);
    const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn known() -> WebhookSecret {
        WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
    }

    fn check(
        headers: &[(&'static str, String)],
        body: &[u8],
        secrets: &[WebhookSecret],
        now: Instant,
    ) -> Option<Rejected> {
        let find = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
        verify(find, body, secrets, now).err()
    }

    #[test]
    fn the_reference_libraries_vector() {
        let headers = sign(MESSAGE, AT, BODY, &[known()]);
        assert_eq!(headers[0], ("webhook-id", MESSAGE.to_owned()));
        assert_eq!(headers[1], ("webhook-timestamp", "1614265330".to_owned()));
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(headers[2], ("webhook-signature", signature.to_owned()));
        assert_eq!(check(&headers, BODY, &[known()], AT), None);
    }

    #[test]
    fn either_secret_verifies_while_they_rotate() {
        let (old, new) = (known(), WebhookSecret::generate());
        let headers = sign(MESSAGE, AT, BODY, &[new.clone(), old.clone()]);
        assert_eq!(headers[2].1.split(' ').count(), 2);
        for secrets in [vec![old.clone()], vec![new.clone()], vec![WebhookSecret::generate(), old.clone()]] {
            assert_eq!(check(&headers, BODY, &secrets, AT), None);
        }
        for secrets in [vec![], vec![WebhookSecret::generate()]] {
            assert_eq!(check(&headers, BODY, &secrets, AT), Some(Rejected::Signature));
        }
        let mut other_versions = sign(MESSAGE, AT, BODY, std::slice::from_ref(&old));
        other_versions[2].1 = format!("v1a,AAAA v2,x v1 v1,!! {}", other_versions[2].1);
        assert_eq!(check(&other_versions, BODY, std::slice::from_ref(&old), AT), None);
    }

    #[test]
    fn nothing_signed_can_be_altered() {
        let secrets = [known()];
        let headers = sign(MESSAGE, AT, BODY, &secrets);
        assert_eq!(check(&headers, b"{}", &secrets, AT), Some(Rejected::Signature));
        for (index, value) in [(0, "msg_other"), (1, "1614265331"), (1, "+1614265330"), (2, "v1,AAAA"), (2, "x")] {
            let mut altered = headers.clone();
            altered[index].1 = value.to_owned();
            assert_eq!(check(&altered, BODY, &secrets, AT), Some(Rejected::Signature), "{value}");
        }
        for (index, value) in [(0, ""), (0, "msg.1"), (1, "soon"), (1, "99999999999999999999"), (2, "")] {
            let mut broken = headers.clone();
            broken[index].1 = value.to_owned();
            let expected = Some(Rejected::Header(headers[index].0));
            assert_eq!(check(&broken, BODY, &secrets, AT), expected, "{value}");
        }
        assert_eq!(check(&headers[1..], BODY, &secrets, AT), Some(Rejected::Header(ID)));
    }

    #[test]
    fn five_minutes_either_way() {
        let secrets = [known()];
        let headers = sign(MESSAGE, AT, BODY, &secrets);
        let within = TOLERANCE + Duration::from_millis(999); // the timestamp's own second
        for (now, expected) in [
            (AT + within, None),
            (AT - TOLERANCE, None),
            (AT + TOLERANCE + Duration::from_secs(1), Some(Rejected::Time)),
            (AT - TOLERANCE - Duration::from_secs(1), Some(Rejected::Time)),
        ] {
            assert_eq!(check(&headers, BODY, &secrets, now), expected, "{now}");
        }
    }

    #[test]
    fn secrets_as_text() {
        let secret = WebhookSecret::generate();
        assert_eq!(WebhookSecret::parse(&secret.to_text()).unwrap().to_text(), secret.to_text());
        assert_ne!(secret.to_text(), WebhookSecret::generate().to_text());
        assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
        let of = |length: usize| format!("whsec_{}", STANDARD.encode(vec![7; length]));
        for good in [of(24), of(64)] {
            assert!(WebhookSecret::parse(&good).is_ok(), "{good}");
        }
        for bad in [of(23), of(65), "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(), "whsec_".into(), "whsec_*".into()] {
            assert_eq!(WebhookSecret::parse(&bad).err(), Some(BadSecret), "{bad}");
        }
    }
}
