//! The guard: which URLs and addresses may be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use url::{Host, Url};

/// Longest URL that is called, in bytes of its normal form.
pub const MOST_URL_BYTES: usize = 2048;

/// Names that mean this machine or its network wherever they are resolved.
const PRIVATE_SUFFIXES: [&str; 7] = ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain"];

const PRIVATE_ADDRESS: &str = "the URL leads to a private or reserved address";

/// A name resolved to an address that is not globally reachable. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{PRIVATE_ADDRESS}")]
pub(crate) struct NotGlobal;

impl NotGlobal {
    pub(crate) const REASON: &str = PRIVATE_ADDRESS;
}

/// Judges a URL by its text alone, for the moment when it is registered: https, a public name or literal address, no
/// credentials, at most [`MOST_URL_BYTES`]. With `allow_private`, as in a local cloud, http and any host are fine too.
///
/// # Errors
/// The reason of the refusal, fit to be shown to whom registers the URL.
pub fn check_url(url: &Url, allow_private: bool) -> Result<(), &'static str> {
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        _ => return Err("the URL is not https"),
    }
    if url.as_str().len() > MOST_URL_BYTES {
        return Err("the URL is longer than 2,048 characters");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL carries a user name or password");
    }
    let host = url.host().ok_or("the URL has no host")?;
    if allow_private {
        return Ok(());
    }
    match host {
        Host::Ipv4(address) => judge(&[address.into()]).map_err(|_| PRIVATE_ADDRESS),
        Host::Ipv6(address) => judge(&[address.into()]).map_err(|_| PRIVATE_ADDRESS),
        Host::Domain(name) if is_private_name(name) => Err("the URL leads to a private or local host"),
        Host::Domain(_) => Ok(()),
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

/// The system's resolver, refusing names of which any address is not globally reachable. What it returns is what is
/// connected to, so a name that changes its mind between check and call (DNS rebinding) gains nothing.
#[derive(Debug, Clone)]
pub(crate) struct GuardedResolver {
    pub(crate) allow_private: bool,
}

impl ResolveDns for GuardedResolver {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            if !self.allow_private {
                judge(&addresses).map_err(ResolveDnsError::new)?;
            }
            Ok(addresses)
        })
    }
}

/// One bad address spoils the name: which of them is connected to is not ours to choose.
fn judge(addresses: &[IpAddr]) -> Result<(), NotGlobal> {
    let global = |address: &IpAddr| match address {
        IpAddr::V4(address) => is_global_v4(*address),
        IpAddr::V6(address) => is_global_v6(*address),
    };
    if addresses.iter().all(global) { Ok(()) } else { Err(NotGlobal) }
}

/// Not in the IANA IPv4 special-purpose registry (RFC 6890), nor multicast. The standard library's `is_global` is
/// unstable.
fn is_global_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a == 10
        || a == 127
        || (a == 100 && (64..128).contains(&b)) // carrier NAT
        || (a == 169 && b == 254) // link-local, and the metadata service
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 192 && b == 168)
        || (a == 198 && (b == 18 || b == 19 || (b == 51 && c == 100)))
        || (a == 203 && b == 0 && c == 113)
        || a >= 224;
    !special
}

/// In 2000::/3, the only global unicast space that IANA has allocated, and not special inside it. An address that
/// carries an IPv4 one is judged by that: a translator would deliver there.
fn is_global_v6(address: Ipv6Addr) -> bool {
    let carried = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_global_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => carried(high, low), // compatible (with :: and ::1), mapped
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => carried(high, low),  // NAT64, RFC 6052
        [0x2002, high, low, ..] => carried(high, low),                // 6to4, RFC 3056
        [0x2001, b, ..] if b < 0x200 || b == 0xdb8 => false,          // Teredo, ORCHID, documentation
        [0x3fff, b, ..] if b < 0x1000 => false,                       // documentation, RFC 9637
        [a, ..] => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(text: &str) -> bool {
        judge(&[text.parse().unwrap()]).is_ok()
    }

    #[test]
    fn the_edges_of_every_special_range() {
        let special = "\
            0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 \
            169.254.0.0 169.254.169.254 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255 \
            192.0.2.0 192.0.2.255 192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 \
            198.51.100.0 203.0.113.255 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 \
            ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 \
            64:ff9b:1:ffff::8.8.8.8 100::1 2001::1 2001:1ff:ffff:: 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1 \
            3fff::1 3fff:fff:: 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 febf::1 fec0::1 ff02::1";
        for address in special.split(' ') {
            assert!(!global(address), "{address}");
        }
        let public = "\
            1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 \
            169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.1 \
            192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.101.0 203.0.112.255 203.0.114.0 \
            223.255.255.255 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808:: 2001:200:: 2001:db9::1 \
            2606:4700::1111 2a00:1450::1 3ffe:ffff:: 3fff:1000::";
        for address in public.split(' ') {
            assert!(global(address), "{address}");
        }
    }

    #[test]
    fn one_private_address_spoils_the_name() {
        let addresses = ["8.8.8.8", "2606:4700::1111", "10.0.0.1"].map(|text| text.parse::<IpAddr>().unwrap());
        assert!(judge(&addresses).is_err());
        assert!(judge(&addresses[..2]).is_ok());
    }

    #[test]
    fn urls() {
        let check = |text: &str, allow| check_url(&Url::parse(text).unwrap(), allow).is_ok();
        for text in [
            "http://example.com/",
            "ftp://example.com/",
            "data:text/html,x",
            "https://user@example.com/",
            "https://:pass@example.com/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "https://db.prod.internal/",
            "https://metadata.google.internal./",
            "https://printer.local/",
            "https://intranet/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://１２７.0.0.1/",
        ] {
            assert!(!check(text, false), "{text}");
        }
        for text in ["https://example.com:8443/a?b=c", "https://8.8.8.8/", "https://localhost.example.com/"] {
            assert!(check(text, false), "{text}");
        }
        assert!(check("http://127.0.0.1:4566/x", true) && check("http://localhost/", true));
        assert!(!check("ftp://localhost/", true) && !check("http://a:b@localhost/", true));
        let long = |length: usize| format!("https://example.com/{}", "x".repeat(length - 20));
        assert!(check(&long(2048), false) && !check(&long(2049), false));
    }
}
