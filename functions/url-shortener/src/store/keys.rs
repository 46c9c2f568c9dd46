//! Every key of the table, and nothing else.

use dynamo::Key;
use types::Instant;

use crate::domain::{Code, DomainName};

pub(crate) const LINK: &str = "LINK";
pub(crate) const DOMAIN: &str = "DOMAIN";
pub(crate) const MONTH: &str = "MONTH#";
/// After every month.
pub(crate) const MONTHS_END: &str = "MONTH#~";
pub(crate) const DAY: &str = "PER_DAY#";
pub(crate) const HOUR: &str = "PER_HOUR#";
pub(crate) const MINUTE: &str = "PER_MINUTE#";

/// Behind the code, which has no `#`.
const WARNING: &str = "#WARNING";

pub(crate) fn partition(code: &Code) -> String {
    format!("LINK#{code}")
}
/// The code whose partition this is.
pub(crate) fn code_of(partition: &str) -> Option<Code> {
    partition.strip_prefix("LINK#").map(Code::of_key)
}
pub(crate) fn link(code: &Code) -> Key {
    Key::new(partition(code), LINK)
}
/// A minute's set, or one of the sets that it is spread over.
pub(crate) fn minute(code: &Code, at: Instant, shard: u8) -> Key {
    let shard = if shard == 0 { String::new() } else { format!("/{shard}") };
    Key::new(partition(code), format!("{MINUTE}{}{shard}", at.minute()))
}
/// The link that an owner has to a URL.
pub(crate) fn known(owner: &str, target: &str) -> Key {
    Key::new(format!("KNOWN#{owner}#{target}"), "KNOWN")
}
pub(crate) fn domain(domain: &DomainName) -> Key {
    Key::new(format!("DOMAIN#{domain}"), DOMAIN)
}
/// The domain whose partition this is.
pub(crate) fn domain_of(partition: &str) -> Option<DomainName> {
    partition.strip_prefix("DOMAIN#")?.parse().ok()
}
pub(crate) fn domains(owner: &str) -> String {
    format!("DOMAINS#{owner}")
}
/// How a queued request was refused.
pub(crate) fn refused(owner: &str, id: &str) -> Key {
    Key::new(format!("REFUSED#{owner}#{id}"), "REFUSED")
}
pub(crate) fn ids() -> Key {
    Key::new("COUNTER", "IDS")
}
pub(crate) fn sweep() -> Key {
    Key::new("COUNTER", "SWEEP")
}
pub(crate) fn owner(owner: &str) -> String {
    format!("OWNER#{owner}")
}
pub(crate) fn expiry(hour: i64, shard: u64) -> String {
    format!("EXPIRY#{hour}#{shard}")
}
/// Sorts as a moment, and says that it is a warning's.
pub(crate) fn warning(at: Instant, code: &str) -> String {
    format!("{}{WARNING}", moment(at, code))
}
/// When the warning of this sort key is due; none for any other.
pub(crate) fn warning_of(sk: &str) -> Option<Instant> {
    let (at, _) = sk.strip_suffix(WARNING)?.split_once('#')?;
    at.parse().ok().map(Instant::from_millis)
}
/// Sorts as the instant does, and among equals by code.
pub(crate) fn moment(at: Instant, code: &str) -> String {
    format!("{}#{code}", at.sortable())
}
