//! One click: what is kept of it, and how it is packed. No address and no user agent is ever part of it.

use serde::{Deserialize, Serialize};
use types::Instant;
use types::secret::PurposeKey;

use super::{Browser, Code, Device, Os};

/// Longest referrer host kept, in bytes.
const REFERRER_BYTES: usize = 64;
/// Bytes of a packed click before the referrer: id, visitor, country, device, and with the mark browser, system, rule.
const HEADER_BYTES: usize = 8 + 8 + 2 + 1;
const MARKED_BYTES: usize = HEADER_BYTES + 3;
/// In the device's byte: browser, system and rule follow. Sets of the first version, without them, are still read.
const MARK: u8 = 0x80;
/// Where a rule's place would be, and none decided.
const NO_RULE: u8 = 0xff;

/// A click, as the redirect sends it to the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Click {
    /// Version of this shape.
    pub v: u8,
    /// Random; the same when the click is delivered again.
    pub id: [u8; 8],
    /// The link.
    pub code: Code,
    /// When.
    #[serde(with = "types::time::millis")]
    pub at: Instant,
    /// Who, for one day: a keyed hash that changes with the day and cannot be turned back into an address.
    pub visitor: [u8; 8],
    /// ISO 3166-1 alpha-2, where somebody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Class of the device.
    pub device: Device,
    /// Browser.
    #[serde(default)]
    pub browser: Browser,
    /// Operating system.
    #[serde(default)]
    pub os: Os,
    /// Place of the redirect rule that decided, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u8>,
    /// Host of the referring page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
}

/// The host of a `Referer` header, lower-cased, without `www.`; `None` for anything that is no http(s) URL.
pub fn referrer_host(header: &str) -> Option<String> {
    let url = url::Url::parse(header).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?;
    let host = host.strip_prefix("www.").unwrap_or(host);
    (host.len() <= REFERRER_BYTES).then(|| host.to_owned())
}

impl Click {
    /// Names a visitor for the day of `at`. `key` never leaves the system, and the day is part of what is hashed.
    pub fn visitor(key: &PurposeKey, at: Instant, address: &str, agent: &str) -> [u8; 8] {
        let mac = key.mac(format!("{}\n{address}\n{agent}", at.day()).as_bytes());
        let mut visitor = [0; 8];
        visitor.copy_from_slice(&mac[..8]);
        visitor
    }

    /// The click as a member of its minute's set: the same click gives the same bytes, so delivered twice it is there
    /// once.
    pub fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MARKED_BYTES + self.referrer.as_ref().map_or(0, String::len));
        bytes.extend(self.id);
        bytes.extend(self.visitor);
        bytes.extend(country_bytes(self.country.as_deref()));
        bytes.push(self.device as u8 | MARK);
        bytes.extend([self.browser as u8, self.os as u8, self.rule.unwrap_or(NO_RULE)]);
        bytes.extend(self.referrer.as_deref().unwrap_or_default().as_bytes());
        bytes
    }
}

fn country_bytes(country: Option<&str>) -> [u8; 2] {
    match country.map(str::as_bytes) {
        Some(&[a, b]) if a.is_ascii_uppercase() && b.is_ascii_uppercase() => [a, b],
        _ => *b"--",
    }
}

/// What a packed click says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unpacked {
    pub visitor: [u8; 8],
    pub country: Option<String>,
    pub device: Device,
    pub browser: Browser,
    pub os: Os,
    pub rule: Option<u8>,
    pub referrer: Option<String>,
}

/// Reads a packed click; `None` for bytes that are none.
pub(super) fn unpack(bytes: &[u8]) -> Option<Unpacked> {
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES)?;
    let ([browser, os, rule], referrer) = match header[18] & MARK {
        0 => ([NO_RULE; 3], rest),
        _ => rest.split_first_chunk().map(|(three, rest)| (*three, rest))?,
    };
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    Some(Unpacked {
        visitor: header[8..16].try_into().ok()?,
        country: text(&header[16..18]).filter(|country| country != "--"),
        device: Device::ALL.get(usize::from(header[18] & !MARK)).copied().unwrap_or(Device::Unknown),
        browser: Browser::ALL.get(usize::from(browser)).copied().unwrap_or_default(),
        os: Os::ALL.get(usize::from(os)).copied().unwrap_or_default(),
        rule: Some(rule).filter(|&rule| rule != NO_RULE),
        referrer: text(referrer).filter(|host| !host.is_empty()),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn clicks() -> impl Strategy<Value = Click> {
        let referrer = proptest::option::of(prop_oneof![Just("a.example".to_owned()), Just("b.example".to_owned())]);
        let country = proptest::option::of(prop_oneof![Just("DE".to_owned()), Just("IN".to_owned())]);
        let agent = (0..5_usize, 0..8_usize, 0..6_usize, proptest::option::of(0..20_u8));
        (any::<[u8; 8]>(), 0..4_u8, 0..7_200_000_i64, country, agent, referrer).prop_map(
            |(id, visitor, after, country, (device, browser, os, rule), referrer)| Click {
                v: 1,
                id,
                code: "cat".parse().unwrap(),
                at: Instant::from_millis(1_800_000_000_000 + after),
                visitor: [visitor; 8],
                country,
                device: Device::ALL[device],
                browser: Browser::ALL[browser],
                os: Os::ALL[os],
                rule,
                referrer,
            },
        )
    }

    #[test]
    fn a_visitor_is_another_one_tomorrow() {
        let key = types::Secret::new("0123456789abcdef0123456789abcdef").unwrap().key("visitors");
        let (morning, evening) = (Instant::from_seconds(1_800_000_000), Instant::from_seconds(1_800_050_000));
        let tomorrow = Instant::from_seconds(1_800_086_400);
        let visitor = |at| Click::visitor(&key, at, "203.0.113.7", "agent");
        assert_eq!(morning.day(), evening.day());
        assert_eq!(visitor(morning), visitor(evening));
        assert_ne!(visitor(morning), visitor(tomorrow));
    }

    #[test]
    fn referrers() {
        assert_eq!(referrer_host("https://WWW.News.example/a?b=c").as_deref(), Some("news.example"));
        assert_eq!(referrer_host("android-app://com.x"), None);
        assert_eq!(referrer_host("not a url"), None);
    }

    #[test]
    fn a_click_packed_by_the_first_version_is_still_read() {
        let packed = [[1; 16].as_slice(), b"DE", &[Device::Mobile as u8], b"a.example"].concat();
        let unpacked = unpack(&packed).unwrap();
        assert_eq!((unpacked.device, unpacked.browser, unpacked.rule), (Device::Mobile, Browser::Other, None));
        assert_eq!((unpacked.country.as_deref(), unpacked.referrer.as_deref()), (Some("DE"), Some("a.example")));
    }

    proptest! {
        #[test]
        fn packing_keeps_what_statistics_need(click in clicks()) {
            let unpacked = unpack(&click.pack());
            let Click { visitor, country, device, browser, os, rule, referrer, .. } = click;
            let expected = Unpacked { visitor, country, device, browser, os, rule, referrer };
            prop_assert_eq!(unpacked, Some(expected));
        }
    }
}
