//! What this system tells the others. A consumer deduplicates by `id` and reads what it knows of `v`.

use serde::Serialize;
use types::{Fault, Instant};
use work::{Change, Event, Kind};

use crate::domain::Link;
use crate::store::keys;

/// Where the events come from.
pub const SOURCE: &str = "almanac.url-shortener";

/// `LinkCreated`, `LinkDisabled` and `LinkExpired` carry the same.
#[derive(Debug, Serialize)]
struct LinkEvent<'a> {
    v: u8,
    id: &'a str,
    code: &'a str,
    url: &'a str,
    owner: &'a str,
    at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Instant>,
}

/// The event of a change of the table, where it is one.
///
/// # Errors
/// When an item is not what it should be.
pub fn of_change(change: &Change) -> Result<Option<Event>, Fault> {
    if change.sk != keys::LINK {
        return Ok(None);
    }
    let (old, new): (Option<Link>, Option<Link>) = (change.before()?, change.after()?);
    let event = |detail_type, link: &Link, at| {
        let (code, url) = (link.code.as_str(), link.url.as_str());
        let expires_at = link.expires_at;
        Event::new(detail_type, &LinkEvent { v: 1, id: &change.id, code, url, owner: &link.owner, at, expires_at })
            .map(Some)
    };
    match (&old, &new) {
        (None, Some(link)) => event("LinkCreated", link, link.created_at),
        // A forgotten link whose code was claimed anew is replaced in place.
        (Some(old), Some(link)) if old.created_at != link.created_at => event("LinkCreated", link, link.created_at),
        (Some(old), Some(link)) => match (link.disabled_at, link.swept_at, link.expires_at) {
            (Some(at), _, _) if old.disabled_at.is_none() => event("LinkDisabled", link, at),
            (_, Some(_), Some(at)) if old.swept_at.is_none() => event("LinkExpired", link, at),
            _ => Ok(None),
        },
        // TTL removed a link that no sweep had seen: late, but told.
        (Some(link), None) if change.kind == Kind::Remove && link.swept_at.is_none() && link.disabled_at.is_none() => {
            match link.expires_at {
                Some(at) => event("LinkExpired", link, at),
                None => Ok(None),
            }
        }
        _ => Ok(None),
    }
}
