//! Domains of the tenants' own, beside the service's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use types::Instant;
use types::time::millis;

use super::{LinkError, Target};

/// A host name in lower case: at least two labels, no port, no address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DomainName(String);

impl FromStr for DomainName {
    type Err = LinkError;
    fn from_str(text: &str) -> Result<Self, LinkError> {
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let numeric = name.rsplit('.').next().is_none_or(|top| top.bytes().all(|byte| byte.is_ascii_digit()));
        if name.len() > 253 || !name.contains('.') || numeric || !name.split('.').all(label) {
            return Err(LinkError::DomainInvalid);
        }
        Ok(Self(name))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DomainName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A domain that a tenant's links live on, and where it leads when no link does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// Its name.
    pub domain: DomainName,
    /// Who registered it.
    pub owner: String,
    /// When its owner last said what it is.
    #[serde(with = "millis")]
    pub updated_at: Instant,
    /// Where `/` leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_url: Option<Target>,
    /// Where a code that is no link's leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_found_url: Option<Target>,
    /// Where a link leads that expired or is used up and has no `fallback_url` of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_url: Option<Target>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_domain_is() {
        for good in ["go.example", "GO.Example.", "a-b.c1.example", "xn--bcher-kva.example"] {
            assert!(good.parse::<DomainName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "example",
            "go.example:80",
            "10.0.0.1",
            "a..b",
            "-a.example",
            "a b.example",
            "gö.example",
            "a/b.example",
        ] {
            assert_eq!(bad.parse::<DomainName>(), Err(LinkError::DomainInvalid), "{bad}");
        }
    }
}
