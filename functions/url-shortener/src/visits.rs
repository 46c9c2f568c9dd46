//! Who comes: what a redirect learns of a visitor from the request, and nothing more than it needs.

use std::net::IpAddr;
use std::path::Path;

use maxminddb::Reader;
use types::{Fault, Instant, random};
use web::RequestMeta;

use crate::domain::{Browser, Click, Code, Device, DomainName, Os, Visit, languages, referrer_host};
use crate::{App, Settings};

/// Most parameters of a visitor's query that are looked at.
const MOST_PARAMETERS: usize = 50;

/// Where the country of an address comes from: a database file in MaxMind's format, where the stage has one.
#[derive(Debug, Default)]
pub struct Countries(Option<Reader<Vec<u8>>>);

impl Countries {
    /// Reads the file; none for an empty path.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: Option<&str>) -> Result<Self, Fault> {
        let open = |path| {
            let bytes =
                std::fs::read(Path::new(path)).map_err(|e| Fault::permanent("reading IP_DATABASE").caused_by(e))?;
            Reader::from_source(bytes).map_err(|e| Fault::permanent("reading IP_DATABASE").caused_by(e))
        };
        path.map(open).transpose().map(Self)
    }

    fn of(&self, address: &str) -> Option<String> {
        let address: IpAddr = address.parse().ok()?;
        let found: Option<maxminddb::geoip2::Country<'_>> = self.0.as_ref()?.lookup(address).ok()?.decode().ok()?;
        found?.country.iso_code.map(str::to_owned)
    }
}

impl Settings {
    /// A header of CloudFront's. They are believed from whoever knows the stage's origin secret, or from everybody
    /// where it has none.
    fn viewer<'a>(&self, meta: &'a RequestMeta, name: &str) -> Option<&'a str> {
        let trusted = self.origin_secret.as_ref().is_none_or(|secret| meta.header("x-origin-secret") == secret);
        Some(meta.header(name)).filter(|text| trusted && !text.is_empty())
    }

    /// The visitor's address; personal data, never stored.
    pub(crate) fn address<'a>(&self, meta: &'a RequestMeta) -> &'a str {
        // CloudFront-Viewer-Address is `address:port`, an IPv6 address without brackets.
        let viewer = self.viewer(meta, "cloudfront-viewer-address").and_then(|text| text.rsplit_once(':'));
        viewer.map_or(meta.source_ip.as_str(), |(address, _)| address)
    }

    /// The address that limits go by. Whom anybody could name is nobody: without a secret it is whoever API Gateway
    /// saw, which behind a CloudFront of one's own is CloudFront.
    pub(crate) fn limited_address<'a>(&self, meta: &'a RequestMeta) -> &'a str {
        if self.origin_secret.is_some() { self.address(meta) } else { &meta.source_ip }
    }

    /// The tenant's domain that was asked, where it is not the service's own. Without `PublicUrl` every host is the
    /// service's; API Gateway's own names, addresses and hosts without a dot always are.
    pub(crate) fn asked_domain(&self, meta: &RequestMeta) -> Option<DomainName> {
        let own = self.public_host.as_deref()?;
        let host = meta.host.split(':').next().unwrap_or_default();
        let other = !host.eq_ignore_ascii_case(own) && !host.contains(".execute-api.");
        host.parse().ok().filter(|_| other)
    }
}

impl App {
    /// What is known of this visit.
    pub(crate) fn visit(&self, meta: &RequestMeta, path: &str, at: Instant) -> Visit {
        let agent = meta.header("user-agent");
        let address = self.settings.address(meta);
        let country = self.settings.viewer(meta, "cloudfront-viewer-country").filter(|country| country.len() == 2);
        Visit {
            at,
            device: Device::of_user_agent(agent),
            languages: languages(meta.header("accept-language")),
            country: country.map(str::to_owned).or_else(|| self.settings.countries.of(address)),
            query: url::form_urlencoded::parse(meta.query.as_bytes())
                .take(MOST_PARAMETERS)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            path: path.to_owned(),
            visitor: Click::visitor(&self.visitors, at, address, agent),
        }
    }

    /// A queue that is down costs the click, never the redirect; what was lost is counted.
    pub(crate) async fn count(&self, code: Code, visit: &Visit, rule: Option<u8>, meta: &RequestMeta) {
        let agent = meta.header("user-agent");
        let click = Click {
            v: 1,
            id: random::bytes(),
            code,
            at: visit.at,
            visitor: visit.visitor,
            country: visit.country.clone(),
            device: visit.device,
            browser: Browser::of_user_agent(agent),
            os: Os::of_user_agent(agent),
            rule,
            referrer: referrer_host(meta.header("referer")),
        };
        if let Err(fault) = self.clicks().send(&click, self.settings.click_budget).await {
            aws::count("clicks_lost", 1.0);
            tracing::warn!(fault = fault.chain(), "a click was lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_comes_from_the_database_and_a_broken_one_stops_the_start() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/fixtures/country.mmdb");
        let countries = Countries::open(Some(file)).unwrap();
        let found = ["203.0.113.7", "198.51.100.1", "192.0.2.1", "2001:db8::1", "nobody"].map(|it| countries.of(it));
        assert_eq!(found, [Some("DE".to_owned()), Some("IN".to_owned()), None, None, None]);
        assert!(Countries::open(Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).is_err());
        assert!(Countries::open(Some("/no/such/file")).is_err());
        assert_eq!(Countries::open(None).unwrap().of("203.0.113.7"), None);
    }
}
