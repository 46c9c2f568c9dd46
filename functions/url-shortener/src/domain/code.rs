//! Codes: seven characters made here, or three to thirty-two chosen by the caller.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{LinkError, Permutation};

/// Words that are, or may become, routes of this API; compared without regard to case.
pub const RESERVED: [&str; 32] = [
    "about",
    "account",
    "admin",
    "api",
    "app",
    "assets",
    "auth",
    "batch",
    "billing",
    "bitlinks",
    "dashboard",
    "docs",
    "domains",
    "favicon",
    "health",
    "help",
    "home",
    "links",
    "login",
    "logout",
    "metrics",
    "openapi",
    "privacy",
    "robots",
    "settings",
    "signup",
    "static",
    "stats",
    "status",
    "terms",
    "urls",
    "well-known",
];

/// Length of a generated code.
const GENERATED: usize = 7;

/// The last part of a short URL. Codes differ by case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Code(String);

impl Code {
    /// The code of an id.
    pub fn of_id(id: u64, permutation: &Permutation) -> Self {
        Self(types::base62::encode(permutation.apply(id), GENERATED))
    }

    /// A code that a caller wishes for: 3 to 32 of `A-Z a-z 0-9 _ -`, and no reserved word.
    ///
    /// # Errors
    /// [`LinkError::CodeInvalid`] or [`LinkError::CodeReserved`].
    pub fn custom(text: &str) -> Result<Self, LinkError> {
        let code: Self = text.parse()?;
        if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return Err(LinkError::CodeReserved);
        }
        Ok(code)
    }

    /// Reads a code from a path. What cannot be a code is no link's, without a look at the table.
    ///
    /// # Errors
    /// [`LinkError::NotFound`].
    pub fn of_path(text: &str) -> Result<Self, LinkError> {
        text.parse().map_err(|_| LinkError::NotFound)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Code {
    type Err = LinkError;
    fn from_str(text: &str) -> Result<Self, LinkError> {
        let fits = (3..=32).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
            return Err(LinkError::CodeInvalid);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reserved_words_are_refused_in_any_case() {
        for word in RESERVED {
            assert_eq!(Code::custom(&word.to_uppercase()), Err(LinkError::CodeReserved));
        }
        assert!(RESERVED.is_sorted());
    }

    proptest! {
        #[test]
        fn a_custom_code_is_taken_exactly_when_it_fits(text in "[A-Za-z0-9_./ é-]{0,40}") {
            let good = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            let fits = (3..=32).contains(&text.len()) && text.chars().all(good);
            prop_assert_eq!(text.parse::<Code>().is_ok(), fits);
        }

        #[test]
        fn a_generated_code_is_a_code(id in any::<u64>()) {
            let secret = types::Secret::new("0123456789abcdef0123456789abcdef").unwrap();
            let permutation = Permutation::new(secret.key("codes"));
            let code = Code::of_id(id, &permutation);
            prop_assert_eq!(code.as_str().len(), GENERATED);
            prop_assert_eq!(code.as_str().parse::<Code>(), Ok(code.clone()));
        }
    }
}
