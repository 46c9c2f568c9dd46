//! One click: what is kept of it, and how it is packed. No address and no user agent is ever part of it.

use serde::{Deserialize, Serialize};
use types::Instant;
use types::secret::PurposeKey;

use super::Code;

/// Longest referrer host kept, in bytes.
const REFERRER_BYTES: usize = 64;
/// Bytes of a packed click before the referrer: id, visitor, country, device.
const HEADER_BYTES: usize = 8 + 8 + 2 + 1;

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
    /// ISO 3166-1 alpha-2, from CloudFront; absent where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Class of the device.
    pub device: Device,
    /// Host of the referring page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
}

/// Class of a device, told coarsely from its user agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Device {
    Desktop,
    Mobile,
    Tablet,
    Bot,
    Unknown,
}

impl Device {
    const ALL: [Self; 5] = [Self::Desktop, Self::Mobile, Self::Tablet, Self::Bot, Self::Unknown];

    /// After MDN's *Browser detection using the user agent*: `Mobi` marks a phone, Android without it a tablet.
    pub fn of_user_agent(agent: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| agent.contains(word));
        if agent.is_empty() {
            Self::Unknown
        } else if has(&["bot", "Bot", "crawl", "spider", "facebookexternalhit", "Preview", "curl/", "python-requests"])
        {
            Self::Bot
        } else if has(&["iPad", "Tablet", "Kindle"]) || (has(&["Android"]) && !has(&["Mobi"])) {
            Self::Tablet
        } else if has(&["Mobi"]) {
            Self::Mobile
        } else if has(&["Windows", "Macintosh", "X11", "CrOS"]) {
            Self::Desktop
        } else {
            Self::Unknown
        }
    }

    /// Its name in statistics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Bot => "bot",
            Self::Unknown => "unknown",
        }
    }
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
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.referrer.as_ref().map_or(0, String::len));
        bytes.extend(self.id);
        bytes.extend(self.visitor);
        bytes.extend(country_bytes(self.country.as_deref()));
        bytes.push(self.device as u8);
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
    pub referrer: Option<String>,
}

/// Reads a packed click; `None` for bytes that are none.
pub(super) fn unpack(bytes: &[u8]) -> Option<Unpacked> {
    let (header, referrer) = bytes.split_at_checked(HEADER_BYTES)?;
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    Some(Unpacked {
        visitor: header[8..16].try_into().ok()?,
        country: text(&header[16..18]).filter(|country| country != "--"),
        device: Device::ALL.get(usize::from(header[18])).copied().unwrap_or(Device::Unknown),
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
        (any::<[u8; 8]>(), 0..4_u8, 0..7_200_000_i64, country, 0..5_usize, referrer).prop_map(
            |(id, visitor, after, country, device, referrer)| Click {
                v: 1,
                id,
                code: "cat".parse().unwrap(),
                at: Instant::from_millis(1_800_000_000_000 + after),
                visitor: [visitor; 8],
                country,
                device: Device::ALL[device],
                referrer,
            },
        )
    }

    #[test]
    fn devices() {
        for (agent, device) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari",
                Device::Mobile,
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
                Device::Mobile,
            ),
            ("Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 Chrome/120.0 Safari/537.36", Device::Tablet),
            ("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15", Device::Tablet),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36",
                Device::Desktop,
            ),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Device::Bot),
            ("", Device::Unknown),
        ] {
            assert_eq!(Device::of_user_agent(agent), device, "{agent}");
        }
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

    proptest! {
        #[test]
        fn packing_keeps_what_statistics_need(click in clicks()) {
            let unpacked = unpack(&click.pack());
            let Click { visitor, country, device, referrer, .. } = click;
            let expected = Unpacked { visitor, country, device, referrer };
            prop_assert_eq!(unpacked, Some(expected));
        }
    }
}
