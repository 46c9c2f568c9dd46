//! A system's root secret and the keys derived from it, one per purpose.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The root secret of one system in one stage, made by the stack (`AWS::SecretsManager::Secret`) and never printed.
#[derive(Clone)]
pub struct Secret(hmac::Key);

/// A key for one purpose; a signature made for one purpose is worthless for another. Its clones share it, since every
/// request clones what the handlers share.
#[derive(Clone)]
pub struct PurposeKey(Arc<hmac::Key>);

/// The secret is too short to be one.
#[derive(Debug, thiserror::Error)]
#[error("a root secret needs at least 32 characters")]
pub struct TooShort;

impl Secret {
    /// Wraps the stack's secret.
    ///
    /// # Errors
    /// [`TooShort`] below 32 characters.
    pub fn new(root: &str) -> Result<Self, TooShort> {
        if root.len() < 32 {
            return Err(TooShort);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, root.as_bytes())))
    }

    /// The key for `purpose`: HMAC-SHA256(root, purpose), the extract-free half of HKDF (RFC 5869), since the root is
    /// uniform.
    pub fn key(&self, purpose: &str) -> PurposeKey {
        PurposeKey(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&self.0, purpose.as_bytes()).as_ref())))
    }
}

impl PurposeKey {
    /// HMAC-SHA256 of `data`.
    pub fn mac(&self, data: &[u8]) -> [u8; 32] {
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(&self.0, data).as_ref());
        mac
    }

    /// HMAC-SHA256 of `data` as unpadded base64url.
    pub fn mac_text(&self, data: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(data))
    }

    /// Whether `text` is [`PurposeKey::mac_text`] of `data`, compared in constant time.
    pub fn verify_text(&self, data: &[u8], text: &str) -> bool {
        URL_SAFE_NO_PAD.decode(text).is_ok_and(|mac| self.verify(data, &mac))
    }

    /// Whether `mac` is the MAC of `data`, compared in constant time.
    pub fn verify(&self, data: &[u8], mac: &[u8]) -> bool {
        hmac::verify(&self.0, data, mac).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Debug for PurposeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurposeKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_do_not_share_signatures() -> Result<(), TooShort> {
        let secret = Secret::new("0123456789abcdef0123456789abcdef")?;
        let mac = secret.key("cursors").mac(b"x");
        assert!(secret.key("cursors").verify(b"x", &mac));
        assert!(!secret.key("api-keys").verify(b"x", &mac));
        assert!(!format!("{secret:?}").contains("0123"));
        Ok(())
    }
}
