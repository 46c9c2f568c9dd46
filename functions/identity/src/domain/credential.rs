//! What the holder of a key sends.

use std::fmt;

use types::secret::PurposeKey;

use super::{ApiKey, KeyError};

/// Marks our keys, for people and for secret scanners.
const MARK: &str = "alm";
/// Characters of the public half, by which a key is found.
pub const ID_CHARACTERS: usize = 12;
/// Characters of the secret half: 190 bits.
pub const SECRET_CHARACTERS: usize = 32;
/// A key as its holder sends it. Never stored, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    id: String,
    whole: String,
}

impl Credential {
    /// A new key from random characters: `id` and `secret` are base62.
    pub fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), whole: format!("{MARK}_{id}_{secret}") }
    }

    /// Reads a key; `None` for anything that cannot be one, which costs no look-up.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(MARK)?.strip_prefix('_')?.split_once('_')?;
        (is_base62(id, ID_CHARACTERS) && is_base62(secret, SECRET_CHARACTERS))
            .then(|| Self { id: id.to_owned(), whole: text.to_owned() })
    }

    /// Reads a public half from a path; what cannot be one is no key's, without a look at the table.
    ///
    /// # Errors
    /// [`KeyError::NotFound`].
    pub fn id_of_path(text: &str) -> Result<&str, KeyError> {
        is_base62(text, ID_CHARACTERS).then_some(text).ok_or(KeyError::NotFound)
    }

    /// The public half.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The whole key, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.whole
    }

    /// Whether `key` is this credential's, compared in constant time.
    pub fn matches(&self, key: &ApiKey, hashing: &PurposeKey) -> bool {
        hashing.verify_text(self.whole.as_bytes(), &key.hash)
    }

    /// What is stored in its place.
    pub fn hash(&self, key: &PurposeKey) -> String {
        key.mac_text(self.whole.as_bytes())
    }
}

fn is_base62(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, …)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_a_whole_key_parses(text in "(alm_)?[A-Za-z0-9_]{0,60}") {
            let parsed = Credential::parse(&text);
            if let Some(credential) = &parsed {
                prop_assert_eq!(credential.reveal(), &text);
                let printed = format!("{credential:?}");
                prop_assert!(!printed.contains(&text[17..]));
            }
            let shape = text.len() == 49 && text.starts_with("alm_") && text.as_bytes()[16] == b'_';
            prop_assert_eq!(parsed.is_some(), shape
                && text[4..16].chars().chain(text[17..].chars()).all(|c| c.is_ascii_alphanumeric()));
        }
    }
}
