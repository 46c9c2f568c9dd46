//! Every key of the table. Neither tenants, users nor ids have a `#`.

use dynamo::Key;
use types::Instant;

use crate::domain::Channel;

/// Whether a text from a request's path can be one of our ids: a longer one would be no key for DynamoDB, and `#`
/// stands between the parts of keys.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

/// A notification and its deliveries stand together.
pub(crate) fn of_notification(tenant: &str, id: &str) -> String {
    format!("NOTIFICATION#{tenant}#{id}")
}

pub(crate) fn notification(tenant: &str, id: &str) -> Key {
    Key::new(of_notification(tenant, id), "NOTIFICATION")
}

/// The stream's filters in the template know the prefix.
pub(crate) const DELIVERY: &str = "DELIVERY#";

pub(crate) fn delivery(tenant: &str, notification: &str, channel: Channel, address: &str) -> Key {
    Key::new(of_notification(tenant, notification), format!("{DELIVERY}{channel}#{address}"))
}

/// A fan-out and its shards stand together, as a notification and its deliveries do. The stream's filters in the
/// template know the prefix.
pub(crate) const FAN_OUT: &str = "FANOUT#";
const HEAD: &str = "FANOUT#HEAD";

pub(crate) fn fan_out(tenant: &str, id: &str) -> Key {
    Key::new(of_notification(tenant, id), HEAD)
}

pub(crate) fn shard(tenant: &str, fan_out: &str, shard: u16) -> Key {
    Key::new(of_notification(tenant, fan_out), format!("{FAN_OUT}SHARD#{shard:05}"))
}

/// Whether the sort key is of a fan-out itself.
pub(crate) fn is_fan_out(sk: &str) -> bool {
    sk == HEAD
}

/// A part of a topic's subscribers.
pub(crate) fn of_subscribers(tenant: &str, topic: &str, shard: u16) -> String {
    format!("TOPIC#{tenant}#{topic}#{shard:02}")
}

pub(crate) fn subscriber(tenant: &str, topic: &str, shard: u16, user: &str) -> Key {
    Key::new(of_subscribers(tenant, topic, shard), format!("USER#{user}"))
}

/// A user's preferences and addresses stand together.
pub(crate) fn of_user(tenant: &str, user: &str) -> String {
    format!("USER#{tenant}#{user}")
}

pub(crate) fn preferences(tenant: &str, user: &str) -> Key {
    Key::new(of_user(tenant, user), "PREFERENCES")
}

pub(crate) const ADDRESS: &str = "ADDRESS#";

pub(crate) fn address(tenant: &str, user: &str, id: &str) -> Key {
    Key::new(of_user(tenant, user), format!("{ADDRESS}{id}"))
}

/// Mail addresses that take none, whoever's they are in the tenant: the digest of one.
pub(crate) fn suppression(tenant: &str, digest: &str) -> Key {
    Key::new(format!("SUPPRESSED#{tenant}#{digest}"), "SUPPRESSED")
}

/// Whose an endpoint of SNS is.
pub(crate) fn endpoint(arn: &str) -> Key {
    Key::new(format!("ENDPOINT#{arn}"), "ENDPOINT")
}

/// The newest notification of a collapse key.
pub(crate) fn collapse(tenant: &str, user: &str, key: &str) -> Key {
    Key::new(format!("COLLAPSE#{tenant}#{user}"), format!("KEY#{key}"))
}

/// The notifications that interrupted a user in an hour.
pub(crate) fn cap(tenant: &str, user: &str, hour: &str) -> Key {
    Key::new(format!("CAP#{tenant}#{user}"), format!("HOUR#{hour}"))
}

/// What a tenant's text messages cost in a day.
pub(crate) fn spent(tenant: &str, day: &str) -> Key {
    Key::new(format!("SPENT#{tenant}"), format!("DAY#{day}"))
}

pub(crate) fn of_inbox(tenant: &str, user: &str) -> String {
    format!("INBOX#{tenant}#{user}")
}

/// Tenant and user of an inbox's partition.
pub(crate) fn whose_inbox(pk: &str) -> Option<(&str, &str)> {
    pk.strip_prefix("INBOX#")?.split_once('#')
}

/// The stream's filters in the template know the prefix.
pub(crate) const ITEM: &str = "ITEM#";

pub(crate) fn inbox(tenant: &str, user: &str, id: &str) -> Key {
    Key::new(of_inbox(tenant, user), format!("{ITEM}{id}"))
}

pub(crate) fn counts(tenant: &str, user: &str) -> Key {
    Key::new(of_inbox(tenant, user), "COUNTS")
}

/// What a user's digests are made of, by the ends of their periods.
pub(crate) fn of_digest(tenant: &str, user: &str) -> String {
    format!("DIGEST#{tenant}#{user}")
}

pub(crate) fn digest_period(tenant: &str, user: &str, until: Instant) -> Key {
    Key::new(of_digest(tenant, user), format!("PERIOD#{}", until.sortable()))
}

pub(crate) fn digest_items(until: Instant) -> String {
    format!("ITEM#{}#", until.sortable())
}

pub(crate) fn digest_item(tenant: &str, user: &str, until: Instant, notification: &str) -> Key {
    Key::new(of_digest(tenant, user), format!("{}{notification}", digest_items(until)))
}

/// In which digest a notification is.
pub(crate) fn digest_mark(tenant: &str, user: &str, notification: &str) -> Key {
    Key::new(of_digest(tenant, user), format!("MARK#{notification}"))
}

/// Who is connected to a user's inbox.
pub(crate) fn of_live(tenant: &str, user: &str) -> String {
    format!("LIVE#{tenant}#{user}")
}

pub(crate) fn place(tenant: &str, user: &str, place: usize) -> Key {
    Key::new(of_live(tenant, user), format!("PLACE#{place:02}"))
}

/// Whose a connection is: the ids are API Gateway's.
pub(crate) fn connection(id: &str) -> Key {
    Key::new(format!("CONNECTION#{id}"), "CONNECTION")
}

/// Which delivery SNS took under an id of its own.
pub(crate) fn message(id: &str) -> Key {
    Key::new(format!("MESSAGE#{id}"), "MESSAGE")
}

/// Each template has a partition of its own: every notification of it reads it.
pub(crate) fn template(tenant: &str, id: &str) -> Key {
    Key::new(of_template(tenant, id), "NEWEST")
}

pub(crate) fn of_template(tenant: &str, id: &str) -> String {
    format!("TEMPLATE#{tenant}#{id}")
}

pub(crate) fn template_version(tenant: &str, id: &str, version: u64) -> Key {
    Key::new(of_template(tenant, id), format!("VERSION#{version:010}"))
}

pub(crate) const STATS: &str = "STATS#";

/// What became of a template's mails, in shards: all feedback of a template adds to it.
pub(crate) fn template_stats(tenant: &str, id: &str, shard: u8) -> Key {
    Key::new(of_template(tenant, id), format!("{STATS}{shard}"))
}

pub(crate) fn of_templates(tenant: &str) -> String {
    format!("TEMPLATES#{tenant}")
}

pub(crate) fn listed_template(tenant: &str, id: &str) -> Key {
    Key::new(of_templates(tenant), format!("TEMPLATE#{id}"))
}

pub(crate) fn breaker(provider: &str) -> Key {
    Key::new(format!("BREAKER#{provider}"), "BREAKER")
}

pub(crate) fn probe() -> Key {
    Key::new("PROBE", "PROBE")
}
