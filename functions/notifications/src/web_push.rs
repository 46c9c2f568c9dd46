//! Web Push: messages that only the browser can read (RFC 8291, in the `aes128gcm` coding of RFC 8188), and the proof
//! of who sends them (VAPID, RFC 8292).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, ParsedPublicKey, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use types::secret::PurposeKey;
use types::{Fault, Instant, random};
use url::Url;

/// Longest plaintext, in bytes: push services take bodies of 4,096 (RFC 8291, 4), of which the header takes 86, the
/// delimiter 1 and the tag 16.
pub const MOST_PLAINTEXT_BYTES: usize = RECORD_BYTES as usize - HEADER_BYTES - 1 - TAG_BYTES;

const RECORD_BYTES: u32 = 4096;
const SALT_BYTES: usize = 16;
const POINT_BYTES: usize = 65;
const TAG_BYTES: usize = 16;
/// Salt, record size, length of the key id, and the key id, which is the sender's public key (RFC 8188, 2.1).
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + POINT_BYTES;
/// Ends the plaintext of the last record (RFC 8188, 2).
const LAST_RECORD: u8 = 2;

/// How long a VAPID token is good for; services refuse more than 24 h (RFC 8292, 2).
const TOKEN_LIFE: Duration = Duration::from_secs(12 * 3600);

/// Browsers give base64url without padding, libraries between them and us add it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT_CONFIG);
const LENIENT_CONFIG: GeneralPurposeConfig = NO_PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The keys of one subscription, as the browser's `PushSubscription` gives them.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The browser's public key: an uncompressed point of P-256.
    pub p256dh: [u8; POINT_BYTES],
    /// What the browser shares with its application server alone.
    pub auth: [u8; 16],
}

/// The keys are not an uncompressed P-256 point and 16 bytes, both in base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected p256dh as an uncompressed P-256 point and auth as 16 bytes, both in base64url")]
pub struct BadKeys;

/// Why a message could not be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    /// The subscription's keys are none; [`Keys::parse`] makes no such keys.
    #[error("the subscription's keys are not valid")]
    BadKeys(#[from] BadKeys),
    /// The plaintext has more than [`MOST_PLAINTEXT_BYTES`].
    #[error("the message is longer than 3,993 bytes")]
    TooLong,
    /// AWS-LC failed at what cannot fail with valid arguments.
    #[error("the cryptographic library failed")]
    Library,
}

impl From<Unspecified> for EncryptError {
    fn from(_: Unspecified) -> Self {
        Self::Library
    }
}

impl Keys {
    /// Reads `keys.p256dh` and `keys.auth` of a `PushSubscription`: base64url, padded or not.
    ///
    /// # Errors
    /// [`BadKeys`], also for a point that is not on the curve.
    pub fn parse(p256dh: &str, auth: &str) -> Result<Self, BadKeys> {
        let p256dh = LENIENT.decode(p256dh).map_err(|_| BadKeys)?.try_into().map_err(|_| BadKeys)?;
        let auth = LENIENT.decode(auth).map_err(|_| BadKeys)?.try_into().map_err(|_| BadKeys)?;
        let keys = Self { p256dh, auth };
        keys.point()?;
        Ok(keys)
    }

    fn point(&self) -> Result<ParsedPublicKey, BadKeys> {
        // 0x04 says uncompressed; AWS-LC would read the hybrid forms too, which browsers do not.
        if self.p256dh[0] != 4 {
            return Err(BadKeys);
        }
        UnparsedPublicKey::new(&ECDH_P256, self.p256dh).try_into().map_err(|_| BadKeys)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// Encrypts for one subscription: the body to post, with `Content-Encoding: aes128gcm`. Salt and sender's key are new
/// for each message, so no two bodies are alike.
///
/// # Errors
/// [`EncryptError`].
pub fn encrypt(keys: &Keys, plaintext: &[u8]) -> Result<Vec<u8>, EncryptError> {
    seal(keys, plaintext, &random::bytes(), &PrivateKey::generate(&ECDH_P256)?)
}

fn seal(keys: &Keys, plaintext: &[u8], salt: &[u8; SALT_BYTES], sender: &PrivateKey) -> Result<Vec<u8>, EncryptError> {
    if plaintext.len() > MOST_PLAINTEXT_BYTES {
        return Err(EncryptError::TooLong);
    }
    let public = sender.compute_public_key()?;
    let (key, nonce) = agree(sender, keys.point()?, EncryptError::Library, |secret| {
        Ok(content_key(secret, keys, public.as_ref(), salt)?)
    })?;
    let mut record = Vec::with_capacity(plaintext.len() + 1 + TAG_BYTES);
    record.extend_from_slice(plaintext);
    record.push(LAST_RECORD);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record)?;

    let mut body = Vec::with_capacity(HEADER_BYTES + record.len());
    body.extend_from_slice(salt);
    body.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    body.push(POINT_BYTES as u8);
    body.extend_from_slice(public.as_ref());
    body.append(&mut record);
    Ok(body)
}

/// The key and nonce of the only record: RFC 8291, 3.4 (which binds both public keys), then RFC 8188, 2.2 and 2.3.
fn content_key(
    secret: &[u8],
    keys: &Keys,
    sender: &[u8],
    salt: &[u8; SALT_BYTES],
) -> Result<(LessSafeKey, Nonce), Unspecified> {
    let shared = Salt::new(HKDF_SHA256, &keys.auth).extract(secret);
    let input: [u8; 32] = expand(&shared, &[b"WebPush: info\0", &keys.p256dh, sender])?;
    let prk = Salt::new(HKDF_SHA256, salt).extract(&input);
    let key: [u8; 16] = expand(&prk, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expand(&prk, &[b"Content-Encoding: nonce\0"])?;
    let key = UnboundKey::new(&aead::AES_128_GCM, &key)?;
    Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce)))
}

fn expand<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = [0; N];
    prk.expand(info, Length(N))?.fill(&mut out)?;
    Ok(out)
}

/// Who sends, to the push services: a P-256 key pair derived from the system's secret, so that it is stored nowhere.
/// Subscriptions are bound to its public key; with another secret they are lost.
#[derive(Clone)]
pub struct Vapid {
    pair: Arc<EcdsaKeyPair>,
    public_key: String,
}

impl Vapid {
    /// Derives the key pair; the same `key` gives the same pair.
    ///
    /// # Errors
    /// A permanent [`Fault`] when AWS-LC fails.
    pub fn new(key: &PurposeKey) -> Result<Self, Fault> {
        let fault = || Fault::permanent("the VAPID key pair");
        // Of all 32-byte strings one in 2^32 is no scalar of P-256, so the first or second is one.
        let (scalar, private) = (0..=u8::MAX)
            .map(|counter| key.mac(format!("vapid{counter}").as_bytes()))
            .find_map(|scalar| Some((scalar, PrivateKey::from_private_key(&ECDH_P256, &scalar).ok()?)))
            .ok_or_else(fault)?;
        let public = private.compute_public_key().map_err(|e| fault().caused_by(e))?;
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &scalar, public.as_ref())
            .map_err(|e| fault().caused_by(e))?;
        Ok(Self { pair: Arc::new(pair), public_key: URL_SAFE_NO_PAD.encode(public) })
    }

    /// The uncompressed public key in base64url: what `pushManager.subscribe` takes as `applicationServerKey`.
    pub fn public_key(&self) -> String {
        self.public_key.clone()
    }

    /// The `Authorization` header of a message to `endpoint`, good for 12 hours at all endpoints of its origin.
    /// `subject` is where the push service reaches whoever runs this: a `mailto:` or `https:` URL.
    ///
    /// # Errors
    /// A permanent [`Fault`] when `endpoint` has no origin (no http URL), or AWS-LC fails.
    pub fn authorization(&self, endpoint: &Url, subject: &str, now: Instant) -> Result<String, Fault> {
        let origin = endpoint.origin();
        if !origin.is_tuple() {
            return Err(Fault::permanent("a push endpoint without an origin"));
        }
        let (audience, expires) = (origin.ascii_serialization(), (now + TOKEN_LIFE).seconds());
        let claims = serde_json::json!({"aud": audience, "exp": expires, "sub": subject}).to_string();
        let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .map_err(|e| Fault::permanent("signing a VAPID token").caused_by(e))?;
        Ok(format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature), self.public_key))
    }
}

impl fmt::Debug for Vapid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vapid(…)")
    }
}

#[cfg(test)]
mod tests;
