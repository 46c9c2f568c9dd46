//! What this system tells the others. A consumer deduplicates by `id` and reads what it knows of `v`.

use serde::Serialize;
use types::{Fault, Instant};
use work::{Change, Event, Kind};

use crate::domain::Link;
use crate::store::keys;

/// Where the events come from.
pub const SOURCE: &str = "almanac.url-shortener";

/// `LinkCreated`, `LinkChanged`, `LinkUsedUp`, `LinkDisabled` and `LinkExpired` carry the same.
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
            _ => match (link.updated_at, link.used_at) {
                (Some(at), _) if old.updated_at != Some(at) => event("LinkChanged", link, at),
                (_, Some(at)) if link.is_used_up() && !old.is_used_up() => event("LinkUsedUp", link, at),
                _ => Ok(None),
            },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Change as Wish, Edit, Target};

    const NOW: Instant = Instant::from_seconds(1_800_000_000);

    fn link() -> Link {
        let url = Target::parse("https://a.example/", &[]).unwrap();
        let wishes = Edit { expires_at: Wish::Set(NOW + std::time::Duration::from_secs(60)), ..Edit::default() };
        Link::claim("alice".to_owned(), "cat".parse().unwrap(), url, wishes, None, NOW).unwrap()
    }

    fn told(kind: Kind, old: Option<&Link>, new: Option<&Link>) -> Option<(&'static str, serde_json::Value)> {
        let image = |link: &Link| dynamo::attributes(link).unwrap();
        let (old, new) = (old.map(image), new.map(image));
        let change = Change { id: "e1".to_owned(), kind, sk: keys::LINK.to_owned(), old, new };
        let event = of_change(&change).unwrap()?;
        assert_eq!(of_change(&change).unwrap(), Some(event.clone()), "delivered again, it is the same event");
        Some((event.detail_type, serde_json::from_str(&event.detail).unwrap()))
    }

    #[test]
    fn what_each_change_of_a_link_tells() {
        let fresh = link();
        let disabled = Link { disabled_at: Some(NOW), ..link() };
        let swept = Link { swept_at: Some(NOW), ..link() };
        let anew = Link { created_at: NOW + std::time::Duration::from_secs(1), ..link() };
        let changed = Link { title: Some("new".to_owned()), updated_at: Some(NOW), ..link() };
        let half = Link { max_clicks: Some(2), used: 1, used_at: Some(NOW), ..link() };
        let used_up = Link { used: 2, ..half.clone() };
        for (kind, old, new, expected) in [
            (Kind::Insert, None, Some(&fresh), Some("LinkCreated")),
            (Kind::Modify, Some(&swept), Some(&anew), Some("LinkCreated")),
            (Kind::Modify, Some(&fresh), Some(&disabled), Some("LinkDisabled")),
            (Kind::Modify, Some(&disabled), Some(&disabled), None),
            (Kind::Modify, Some(&fresh), Some(&swept), Some("LinkExpired")),
            (Kind::Modify, Some(&swept), Some(&swept), None),
            (Kind::Modify, Some(&fresh), Some(&changed), Some("LinkChanged")),
            (Kind::Modify, Some(&changed), Some(&changed), None),
            (Kind::Modify, Some(&fresh), Some(&half), None),
            (Kind::Modify, Some(&half), Some(&used_up), Some("LinkUsedUp")),
            (Kind::Remove, Some(&fresh), None, Some("LinkExpired")),
            (Kind::Remove, Some(&swept), None, None),
            (Kind::Remove, Some(&disabled), None, None),
        ] {
            assert_eq!(told(kind, old, new).map(|(name, _)| name), expected, "{kind:?} {old:?} {new:?}");
        }
        let (_, detail) = told(Kind::Insert, None, Some(&fresh)).unwrap();
        let expected = serde_json::json!({
            "v": 1, "id": "e1", "code": "cat", "url": "https://a.example/", "owner": "alice",
            "at": "2027-01-15T08:00:00Z", "expires_at": "2027-01-15T08:01:00Z",
        });
        assert_eq!(detail, expected, "the shape that consumers rely on");
    }
}
