//! Codes: a few characters made here, or three to thirty-two chosen by the caller; each domain has its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DomainName, LinkError};

/// Words that are, or may become, routes of this API; compared without regard to case.
pub const RESERVED: [&str; 34] = [
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
    "orphans",
    "privacy",
    "requests",
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

/// The pseudo code that visits to no link are counted under.
const ORPHANS: &str = "orphans";

/// The last part of a short URL, and the domain where it is not the service's own: `cat`, `go.example/cat`. Codes
/// differ by case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Code(String);

impl Code {
    /// A code of digits that were made here.
    pub(super) fn generated(digits: String) -> Self {
        Self(digits)
    }

    /// Where visits to no link of `domain` are counted: like clicks on a link whose code nobody can claim.
    pub fn of_orphans(domain: Option<&DomainName>) -> Self {
        Self(ORPHANS.to_owned()).on(domain)
    }

    /// The same code on a domain of a tenant's own.
    #[must_use]
    pub fn on(self, domain: Option<&DomainName>) -> Self {
        match domain {
            Some(domain) => Self(format!("{domain}/{}", self.name())),
            None => self,
        }
    }

    /// The part after the domain.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The domain, where it is not the service's own.
    pub fn domain(&self) -> Option<&str> {
        self.0.split_once('/').map(|(domain, _)| domain)
    }

    /// Reads back what [`Code::as_str`] wrote.
    pub fn of_key(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// A code that a caller wishes for: 3 to 32 of `A-Z a-z 0-9 _ -`, and no reserved word.
    ///
    /// # Errors
    /// [`LinkError::CodeInvalid`] or [`LinkError::CodeReserved`].
    pub fn custom(text: &str) -> Result<Self, LinkError> {
        let code: Self = text.parse()?;
        if code.is_reserved() { Err(LinkError::CodeReserved) } else { Ok(code) }
    }

    /// Whether it is a reserved word, in any case.
    pub fn is_reserved(&self) -> bool {
        RESERVED.iter().any(|word| word.eq_ignore_ascii_case(self.name()))
    }

    /// Reads a code from a path. What cannot be a code is no link's, without a look at the table.
    ///
    /// # Errors
    /// [`LinkError::NotFound`].
    pub fn of_path(text: &str) -> Result<Self, LinkError> {
        text.parse().map_err(|_| LinkError::NotFound)
    }

    /// The whole text: it is what keys are made of.
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
        fn a_domain_is_part_of_the_code_and_comes_apart_again(name in "[A-Za-z0-9_-]{3,32}") {
            let domain: DomainName = "go.example".parse().unwrap();
            let code = name.parse::<Code>().unwrap().on(Some(&domain));
            prop_assert_eq!((code.name(), code.domain()), (name.as_str(), Some("go.example")));
            prop_assert_eq!(Code::of_key(code.as_str()), code.clone());
            prop_assert!(code.as_str().parse::<Code>().is_err(), "no path names another domain's code");
        }
    }
}
