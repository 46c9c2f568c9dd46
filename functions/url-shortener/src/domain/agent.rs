//! What a user agent says of its user, told coarsely. (The kept libraries compile hundreds of regular expressions at
//! the first look, which a redirect would pay for at each cold start.)

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Class of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Device {
    Desktop,
    Mobile,
    Tablet,
    Bot,
    Unknown,
}

/// A browser.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Browser {
    Chrome,
    Edge,
    Firefox,
    Ie,
    Opera,
    Safari,
    Samsung,
    #[default]
    Other,
}

/// An operating system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Os {
    Android,
    Ios,
    Linux,
    Macos,
    Windows,
    #[default]
    Other,
}

/// Words that only programs have in their user agents, in lower case: crawlers, link previews, monitors, libraries.
const BOTS: [&str; 29] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "facebookexternalhit",
    "preview",
    "whatsapp",
    "embedly",
    "curl/",
    "wget/",
    "python",
    "aiohttp",
    "httpx",
    "go-http-client",
    "java/",
    "libwww",
    "okhttp",
    "axios/",
    "node-fetch",
    "undici",
    "httpclient",
    "postman",
    "headless",
    "phantomjs",
    "lighthouse",
    "monitor",
    "uptime",
    "scanner",
    "feed",
];

impl Device {
    pub(super) const ALL: [Self; 5] = [Self::Desktop, Self::Mobile, Self::Tablet, Self::Bot, Self::Unknown];

    /// After MDN's *Browser detection using the user agent*: `Mobi` marks a phone, Android without it a tablet.
    pub fn of_user_agent(agent: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| agent.contains(word));
        let lower = agent.to_ascii_lowercase();
        if agent.is_empty() {
            Self::Unknown
        } else if BOTS.iter().any(|word| lower.contains(word)) {
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

impl Browser {
    /// All of them; their places are stored.
    pub const ALL: [Self; 8] =
        [Self::Chrome, Self::Edge, Self::Firefox, Self::Ie, Self::Opera, Self::Safari, Self::Samsung, Self::Other];

    /// Those that claim to be another come first: Edge and Opera say they are Chrome, and Chrome that it is Safari.
    pub fn of_user_agent(agent: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| agent.contains(word));
        if has(&["Edg/", "EdgA/", "EdgiOS/", "Edge/"]) {
            Self::Edge
        } else if has(&["OPR/", "Opera"]) {
            Self::Opera
        } else if has(&["SamsungBrowser"]) {
            Self::Samsung
        } else if has(&["Firefox/", "FxiOS/"]) {
            Self::Firefox
        } else if has(&["Chrome/", "CriOS/", "Chromium/"]) {
            Self::Chrome
        } else if has(&["Safari/"]) {
            Self::Safari
        } else if has(&["MSIE ", "Trident/"]) {
            Self::Ie
        } else {
            Self::Other
        }
    }

    /// Its name in statistics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chrome => "chrome",
            Self::Edge => "edge",
            Self::Firefox => "firefox",
            Self::Ie => "ie",
            Self::Opera => "opera",
            Self::Safari => "safari",
            Self::Samsung => "samsung",
            Self::Other => "other",
        }
    }
}

impl Os {
    /// All of them; their places are stored.
    pub const ALL: [Self; 6] = [Self::Android, Self::Ios, Self::Linux, Self::Macos, Self::Windows, Self::Other];

    /// Android says that it is Linux, and iOS that it is like Mac OS.
    pub fn of_user_agent(agent: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| agent.contains(word));
        if has(&["Android"]) {
            Self::Android
        } else if has(&["iPhone", "iPad", "iPod"]) {
            Self::Ios
        } else if has(&["Windows"]) {
            Self::Windows
        } else if has(&["Macintosh", "Mac OS X"]) {
            Self::Macos
        } else if has(&["Linux", "X11", "CrOS"]) {
            Self::Linux
        } else {
            Self::Other
        }
    }

    /// Its name in statistics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Linux => "linux",
            Self::Macos => "macos",
            Self::Windows => "windows",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML) \
                          Version/17.0 Mobile/15E148 Safari/604.1";
    const PIXEL: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36";
    const GALAXY: &str =
        "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 SamsungBrowser/23.0 Chrome/115.0 Safari/537.36";
    const IPAD: &str = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 FxiOS/120.0 Safari/605.1.15";
    const EDGE: &str =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0";
    const OPERA: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 OPR/106.0";
    const TRIDENT: &str = "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko";

    #[test]
    fn devices_browsers_and_systems() {
        for (agent, device, browser, os) in [
            (IPHONE, Device::Mobile, Browser::Safari, Os::Ios),
            (PIXEL, Device::Mobile, Browser::Chrome, Os::Android),
            (GALAXY, Device::Tablet, Browser::Samsung, Os::Android),
            (IPAD, Device::Tablet, Browser::Firefox, Os::Ios),
            (EDGE, Device::Desktop, Browser::Edge, Os::Windows),
            (OPERA, Device::Desktop, Browser::Opera, Os::Linux),
            (TRIDENT, Device::Desktop, Browser::Ie, Os::Windows),
            ("", Device::Unknown, Browser::Other, Os::Other),
        ] {
            let seen = (Device::of_user_agent(agent), Browser::of_user_agent(agent), Os::of_user_agent(agent));
            assert_eq!(seen, (device, browser, os), "{agent}");
        }
    }

    #[test]
    fn programs_are_bots() {
        for agent in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "facebookexternalhit/1.1",
            "WhatsApp/2.23.20.0",
            "curl/8.5.0",
            "python-requests/2.32",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0 Safari/537.36",
        ] {
            assert_eq!(Device::of_user_agent(agent), Device::Bot, "{agent}");
        }
    }
}
