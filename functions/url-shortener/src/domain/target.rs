//! Targets: where a link may lead.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Longest target, in characters, after normalisation (guide 000: `original_url` ≤ 2048).
const MOST_CHARACTERS: usize = 2048;

/// Names that mean this machine or its network wherever they are resolved.
const PRIVATE_SUFFIXES: [&str; 8] =
    ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain", "in-addr.arpa"];

/// An http or https URL in the WHATWG normal form, leading somewhere public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target(String);

/// Why a URL cannot be a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum TargetError {
    #[error("this is not an absolute URL")]
    NotAUrl,
    #[error("only http and https URLs can be shortened")]
    Scheme,
    #[error("the URL is longer than 2,048 characters")]
    TooLong,
    #[error("the URL carries a user name or password")]
    Credentials,
    #[error("the URL leads to a private or local host")]
    PrivateHost,
    #[error("the URL leads back to this service")]
    Loop,
}

impl Target {
    /// Parses and normalises. `own_hosts` are the hosts this service answers at: a link to one of them is a loop.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn parse(text: &str, own_hosts: &[&str]) -> Result<Self, TargetError> {
        if text.len() > 4 * MOST_CHARACTERS {
            return Err(TargetError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| TargetError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        let private = match url.host().ok_or(TargetError::NotAUrl)? {
            Host::Ipv4(address) => !is_public_v4(address),
            Host::Ipv6(address) => !is_public_v6(address),
            Host::Domain(name) => is_private_name(name),
        };
        if private {
            return Err(TargetError::PrivateHost);
        }
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        if own_hosts.iter().any(|own| own.eq_ignore_ascii_case(host)) {
            return Err(TargetError::Loop);
        }
        if url.as_str().len() > MOST_CHARACTERS {
            return Err(TargetError::TooLong);
        }
        Ok(Self(url.into()))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for Target {
    fn schema_name() -> Cow<'static, str> {
        "Target".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "uri", "maxLength": MOST_CHARACTERS})
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_private_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    // A name without a dot is looked up in the local network's own domain.
    !name.contains('.')
        || PRIVATE_SUFFIXES
            .iter()
            .any(|suffix| name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// The ranges of the IANA IPv4 special-purpose registry are not public (the standard library's `is_global` is
/// unstable).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a == 10
        || a == 127
        || (a == 100 && (64..128).contains(&b)) // carrier NAT, and Alibaba's metadata 100.100.100.200
        || (a == 169 && b == 254) // link-local, and the metadata service 169.254.169.254
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 192 && b == 168)
        || (a == 198 && (b == 18 || b == 19 || (b == 51 && c == 100)))
        || (a == 203 && b == 0 && c == 113)
        || a >= 224;
    !special
}

/// Global unicast (2000::/3) without the special ranges inside it; an IPv4 address carried inside must be public
/// itself.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(IpAddr::V4(carried)) = address.to_ipv4_mapped().map(IpAddr::V4) {
        return is_public_v4(carried);
    }
    let [a, b, c, ..] = address.segments();
    let carried = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        (0x64, 0xff9b) => carried(address.segments()[6], address.segments()[7]), // NAT64
        (0x2002, _) => carried(b, c),                                            // 6to4
        (0x2001, b) if b < 0x200 || b == 0xdb8 => false,                         // Teredo, ORCHID, documentation
        (0x3fff, b) if b < 0x1000 => false,                                      // documentation
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> Option<TargetError> {
        Target::parse(text, &["s.example"]).err()
    }

    #[test]
    fn normal_form() {
        let target = Target::parse("HTTPS://EXAMPLE.com:443/a/../b?q=ü#top", &[]);
        assert_eq!(target.as_ref().map(Target::as_str), Ok("https://example.com/b?q=%C3%BC#top"));
        assert_eq!(
            Target::parse("http://bücher.example", &[]).as_ref().map(Target::as_str),
            Ok("http://xn--bcher-kva.example/")
        );
    }

    #[test]
    fn what_is_refused_and_why() {
        use TargetError::{Credentials, Loop, NotAUrl, PrivateHost, Scheme, TooLong};
        for (text, error) in [
            ("example.com", NotAUrl),
            ("https://", NotAUrl),
            ("", NotAUrl),
            ("javascript:alert(1)", Scheme),
            ("ftp://example.com/", Scheme),
            ("data:text/html,x", Scheme),
            ("https://user:pass@example.com/", Credentials),
            ("https://example.com@evil.example/", Credentials),
            ("https://S.example./cat", Loop),
            ("http://localhost:8080/", PrivateHost),
            ("http://db.prod.internal/", PrivateHost),
            ("http://metadata.google.internal./", PrivateHost),
            ("http://intranet/", PrivateHost),
            ("http://169.254.169.254/latest/meta-data/", PrivateHost),
            ("http://2130706433/", PrivateHost), // 127.0.0.1 as one number
            ("http://0x7f.1/", PrivateHost),
            ("http://0177.0.0.1/", PrivateHost),
            ("http://10.1.2.3/", PrivateHost),
            ("http://100.100.100.200/", PrivateHost),
            ("http://[::1]/", PrivateHost),
            ("http://[::ffff:169.254.169.254]/", PrivateHost),
            ("http://[64:ff9b::a9fe:a9fe]/", PrivateHost),
            ("http://[2002:7f00:1::]/", PrivateHost),
            ("http://[fd00:ec2::254]/", PrivateHost),
            ("http://[fe80::1]/", PrivateHost),
        ] {
            assert_eq!(refusal(text), Some(error), "{text}");
        }
        assert_eq!(refusal(&format!("https://example.com/{}", "x".repeat(2028))), None);
        assert_eq!(refusal(&format!("https://example.com/{}", "x".repeat(2029))), Some(TooLong));
        assert_eq!(refusal(&format!("https://example.com/{}", "ü".repeat(700))), Some(TooLong)); // 6 characters each
        for public in [
            "http://1.1.1.1/",
            "http://[2606:4700::1111]/",
            "https://localhost.example.com/",
            "http://mylocal.example/",
        ] {
            assert_eq!(refusal(public), None, "{public}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(
            origin in "https?://[a-zA-Z0-9.-]{1,20}(:[0-9]{1,5})?",
            rest in "(/[ -~ü]{0,30})?(\\?[ -~ü]{0,20})?(#[ -~]{0,10})?",
        ) {
            let text = format!("{origin}{rest}");
            if let Ok(once) = Target::parse(&text, &[]) {
                prop_assert_eq!(Target::parse(once.as_str(), &[]), Ok(once.clone()));
            }
        }

        #[test]
        fn no_text_breaks_it(text in any::<String>()) {
            let _ = Target::parse(&text, &["s.example"]);
        }
    }
}
