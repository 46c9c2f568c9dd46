//! What this system tells the others. A consumer deduplicates by `id` and reads what it knows of `v`.

use serde::Serialize;
use serde_json::{Value, json};
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

/// The user that a link's owner is told as: the tenant's own account, since this system knows no other users. A tenant
/// registers its addresses for it with `notifications`.
pub const ACCOUNT: &str = "account";
/// Longest collapse key that `notifications` takes, in bytes.
const MOST_COLLAPSE_BYTES: usize = 64;

/// `NotificationRequested`, version 1, as `notifications` takes it from the bus.
#[derive(Debug, Serialize)]
struct NotificationRequested<'a> {
    v: u8,
    /// Of the link and of what happened to it, whichever change tells: so it is done once.
    id: String,
    tenant: &'a str,
    user_id: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    priority: &'static str,
    title: &'static str,
    body: String,
    data: Value,
    /// A new end's warning takes the place of an older one that waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    collapse_key: Option<String>,
}

/// The events of a change of the table: mostly none or one, two where a link takes the place of one whose end nobody
/// saw, and where its owner is told too.
///
/// # Errors
/// When an item is not what it should be.
pub fn of_change(change: &Change) -> Result<Vec<Event>, Fault> {
    if change.sk != keys::LINK {
        return Ok(Vec::new());
    }
    let (old, new): (Option<Link>, Option<Link>) = (change.before()?, change.after()?);
    let asked = match (&old, &new) {
        (Some(old), Some(new)) if old.created_at == new.created_at => asked(old, new)?,
        _ => None,
    };
    let replaced = old.as_ref().zip(new.as_ref()).filter(|(old, new)| old.created_at != new.created_at);
    let ended = replaced.and_then(|(old, _)| unseen_end(old).map(|at| (old, at)));
    let late = ended.map(|(old, at)| event(&format!("{}.end", change.id), "LinkExpired", old, at));
    let happened = of_images(change, old.as_ref(), new.as_ref())?;
    Ok(late.transpose()?.into_iter().chain(happened).chain(asked).collect())
}

/// What a link's owner is to be told of its change.
fn asked(old: &Link, new: &Link) -> Result<Option<Event>, Fault> {
    let code = new.code.as_str();
    let request = |what, kind, title, body, data| NotificationRequested {
        v: 1,
        id: format!("{code}-{}-{what}", new.created_at.millis()),
        tenant: &new.owner,
        user_id: ACCOUNT,
        kind,
        priority: "normal",
        title,
        body,
        data,
        collapse_key: None,
    };
    let request = match (new.warned_at, new.expires_at) {
        (Some(_), Some(end)) if old.warned_at.is_none() => {
            let (what, body) = (format!("expiring-{}", end.millis()), format!("{code} expires at {end}."));
            let data = json!({"code": code, "expires_at": end});
            // Letters, digits and `._:-`.
            let key = format!("link_expiring:{}", code.replace('/', ":"));
            let collapse_key = Some(key).filter(|key| key.len() <= MOST_COLLAPSE_BYTES);
            let request = request(what, "link_expiring", "A link expires soon", body, data);
            NotificationRequested { collapse_key, ..request }
        }
        // A limit that was raised is reached again, by other clicks.
        _ if used_up(old, new) => {
            let body = format!("{code} was opened {} times, as often as it may be.", new.used);
            let data = json!({"code": code, "used_clicks": new.used});
            request(format!("used-up-{}", new.used), "link_used_up", "A link is used up", body, data)
        }
        _ => return Ok(None),
    };
    Event::new("NotificationRequested", &request).map(Some)
}

/// Whether a click was the link's last one; a limit that was lowered is its owner's doing.
fn used_up(old: &Link, new: &Link) -> bool {
    new.is_used_up() && !old.is_used_up() && old.updated_at == new.updated_at
}

/// When a link ended that was neither swept nor disabled.
fn unseen_end(link: &Link) -> Option<Instant> {
    link.expires_at.filter(|_| link.swept_at.is_none() && link.disabled_at.is_none())
}

fn event(id: &str, detail_type: &'static str, link: &Link, at: Instant) -> Result<Event, Fault> {
    let (code, url, expires_at) = (link.code.as_str(), link.url.as_str(), link.expires_at);
    Event::new(detail_type, &LinkEvent { v: 1, id, code, url, owner: &link.owner, at, expires_at })
}

fn of_images(change: &Change, old: Option<&Link>, new: Option<&Link>) -> Result<Option<Event>, Fault> {
    let event = |detail_type, link: &Link, at| event(&change.id, detail_type, link, at).map(Some);
    match (old, new) {
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
        (Some(link), None) if change.kind == Kind::Remove => match unseen_end(link) {
            Some(at) => event("LinkExpired", link, at),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Change as Wish, Code, Edit, Target};

    const NOW: Instant = Instant::from_seconds(1_800_000_000);

    fn link() -> Link {
        let url = Target::parse("https://a.example/", &[]).unwrap();
        let wishes = Edit { expires_at: Wish::Set(NOW + std::time::Duration::from_secs(60)), ..Edit::default() };
        Link::claim("alice".to_owned(), "cat".parse().unwrap(), url, wishes, None, NOW).unwrap()
    }

    fn told(kind: Kind, old: Option<&Link>, new: Option<&Link>) -> Vec<(&'static str, Value)> {
        let image = |link: &Link| dynamo::attributes(link).unwrap();
        let (old, new) = (old.map(image), new.map(image));
        let change = Change { id: "e1".to_owned(), kind, sk: keys::LINK.to_owned(), old, new };
        let events = of_change(&change).unwrap();
        assert_eq!(of_change(&change).unwrap(), events, "delivered again, they are the same events");
        events.iter().map(|event| (event.detail_type, serde_json::from_str(&event.detail).unwrap())).collect()
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
            (Kind::Remove, Some(&fresh), None, Some("LinkExpired")),
            (Kind::Remove, Some(&swept), None, None),
            (Kind::Remove, Some(&disabled), None, None),
        ] {
            let names: Vec<&str> = told(kind, old, new).iter().map(|(name, _)| *name).collect();
            assert_eq!(names, Vec::from_iter(expected), "{kind:?} {old:?} {new:?}");
        }
        let names = |told: Vec<(&'static str, Value)>| told.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let last = told(Kind::Modify, Some(&half), Some(&used_up));
        assert_eq!(names(last), ["LinkUsedUp", "NotificationRequested"]);
        let lowered = Link { max_clicks: Some(1), updated_at: Some(NOW), ..half.clone() };
        assert_eq!(names(told(Kind::Modify, Some(&half), Some(&lowered))), ["LinkChanged"], "its owner did it");
        let both = told(Kind::Modify, Some(&fresh), Some(&anew));
        assert_eq!((both[0].0, both[1].0), ("LinkExpired", "LinkCreated"), "no sweep saw the first one end");
        assert_ne!(both[0].1["id"], both[1].1["id"]);
        let (_, detail) = told(Kind::Insert, None, Some(&fresh)).remove(0);
        let expected = json!({
            "v": 1, "id": "e1", "code": "cat", "url": "https://a.example/", "owner": "alice",
            "at": "2027-01-15T08:00:00Z", "expires_at": "2027-01-15T08:01:00Z",
        });
        assert_eq!(detail, expected, "the shape that consumers rely on");
    }

    #[test]
    fn an_owner_is_told_once_of_each_end_and_of_each_limit() {
        let day = std::time::Duration::from_secs(24 * 3600);
        let fresh = Link { expires_at: Some(NOW + day * 2), warn_at: Some(NOW + day), ..link() };
        let warned = Link { warn_at: None, warned_at: Some(NOW + day), ..fresh.clone() };
        let (kind, detail) = told(Kind::Modify, Some(&fresh), Some(&warned)).remove(0);
        let sample = include_str!("../../../events/url-shortener/NotificationRequested.json");
        let sample: Value = serde_json::from_str(sample).unwrap();
        assert_eq!(
            (kind, &sample["detail-type"], &sample["source"]),
            ("NotificationRequested", &kind.into(), &SOURCE.into())
        );
        assert_eq!(detail, sample["detail"], "the shape that notifications relies on");
        assert_eq!(told(Kind::Modify, Some(&warned), Some(&warned)), []);
        let anew = Link { created_at: NOW + day * 40, ..warned.clone() };
        let names: Vec<&str> = told(Kind::Modify, Some(&fresh), Some(&anew)).iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["LinkExpired", "LinkCreated"], "another link's warning is none of this one's");
        let later = Link { expires_at: Some(NOW + day * 3), ..warned };
        let (_, second) = told(Kind::Modify, Some(&fresh), Some(&later)).remove(0);
        assert_ne!(second["id"], detail["id"]);
        for (code, key) in [("go.example/cat", Some("link_expiring:go.example:cat")), (&*"x".repeat(60), None)] {
            let (old, new) = (
                Link { code: Code::of_key(code), ..fresh.clone() },
                Link { code: Code::of_key(code), ..later.clone() },
            );
            let (_, detail) = told(Kind::Modify, Some(&old), Some(&new)).remove(0);
            assert_eq!(detail.get("collapse_key").and_then(Value::as_str), key);
        }
    }
}
