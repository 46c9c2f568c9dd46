//! Passwords of links: argon2id with OWASP's parameters of 19 MiB, two passes and one lane.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use serde::{Deserialize, Serialize};

use super::LinkError;

/// Length of a password, in characters (Kutt takes 3 to 64).
const CHARACTERS: std::ops::RangeInclusive<usize> = 3..=128;

/// A salted hash in PHC's string form. The password itself is never kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password(String);

impl Password {
    /// Hashes a password: some 20 ms of a whole core, and 19 MiB.
    ///
    /// # Errors
    /// [`LinkError::Password`] for one too short or too long.
    pub fn new(text: &str, salt: [u8; 16]) -> Result<Self, LinkError> {
        if !CHARACTERS.contains(&text.chars().count()) {
            return Err(LinkError::Password);
        }
        let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(text.as_bytes(), &salt);
        hash.map(|hash| Self(hash.to_string())).map_err(|_| LinkError::Password)
    }

    /// Whether `text` is the password; as costly as hashing it.
    pub fn is(&self, text: &str) -> bool {
        let fits = CHARACTERS.contains(&text.chars().count());
        let hash = PasswordHash::new(&self.0).ok().filter(|_| fits);
        hash.is_some_and(|hash| Argon2::default().verify_password(text.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_itself_and_nothing_else_and_nowhere_readable() {
        let password = Password::new("open sesame", [7; 16]).unwrap();
        assert!(password.is("open sesame"));
        assert!(!password.is("open sesame ") && !password.is("") && !password.is(&"x".repeat(10_000)));
        assert!(password.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !password.0.contains("sesame"));
        assert!(!format!("{password:?}").contains("argon2"));
        assert_ne!(password, Password::new("open sesame", [8; 16]).unwrap());
        assert_eq!(Password::new("ab", [7; 16]), Err(LinkError::Password));
        assert_eq!(Password::new(&"x".repeat(129), [7; 16]), Err(LinkError::Password));
    }
}
