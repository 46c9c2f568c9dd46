//! The judge can tell: a true history passes, and each lie about it is named.

use std::time::Duration;

use serde_json::json;
use types::Instant;

use super::judge::judge;
use super::seen::{Got, Looked, Made, Opened, Seen, What};
use super::stored::{Asked, Link, Stored};

const NOW: Instant = Instant::from_seconds(1_800_000_000);

fn at(seconds: u64) -> Instant {
    NOW + Duration::from_secs(seconds)
}

fn url(request: u64) -> String {
    format!("https://target.example/{request}")
}

fn asked(code: &str, kind: &str, id: &str) -> Asked {
    let text = str::to_owned;
    Asked { code: text(code), kind: text(kind), tenant: text("owner-1"), user: text("account"), id: text(id) }
}

/// `cat` was claimed for two days and its end is near: its owner is told.
fn warned(stored: &mut Stored) {
    let cat = &mut stored.links[0];
    (cat.created_at, cat.expires_at) = (at(0) - Duration::from_secs(86_400), Some(at(50_000)));
    (cat.swept_at, cat.warned_at) = (None, Some(at(50)));
    stored.told.retain(|(kind, ..)| kind != "LinkExpired");
    stored.asked = vec![asked("cat", "link_expiring", "a"), asked("cat", "link_expiring", "a")];
}

/// Owner 1 claims `cat` for a minute and `dog` for ever, both are followed, `dog` is disabled after ten seconds.
fn history() -> (Vec<Seen>, Stored) {
    let create = |request, code: &str| What::Create {
        request,
        body: json!({"code": code}),
        keyed: true,
        made: Made::Link(code.to_owned()),
    };
    let follow = |code: &str, request| What::Follow {
        code: code.to_owned(),
        opened: Opened::To { url: url(request), sent: true },
    };
    let code = |code: &str| code.to_owned();
    let all = [
        (0, create(1, "cat")),
        (0, create(1, "cat")),
        (0, create(2, "dog")),
        (1, follow("cat", 1)),
        (1, follow("cat", 1)),
        (1, follow("dog", 2)),
        (1, What::Follow { code: code("dog"), opened: Opened::Unknown }),
        (1, What::Stats { code: code("cat"), total: Some(1) }),
        (10, What::Disable { code: code("dog"), got: Got::Done }),
        (50, follow("dog", 2)),
        (50, What::Get { code: code("cat"), looked: Looked::At { url: url(1), state: "active".to_owned() } }),
        (60, What::Follow { code: code("cat"), opened: Opened::Refused("link-expired".to_owned()) }),
        (70, What::Follow { code: code("dog"), opened: Opened::Refused("link-disabled".to_owned()) }),
        (70, What::Follow { code: code("eel"), opened: Opened::Refused("link-not-found".to_owned()) }),
    ];
    let seen = |(tick, (seconds, what))| Seen {
        operation: tick,
        began: 2 * tick,
        ended: 2 * tick + 1,
        at: at(seconds),
        owner: 1,
        what,
    };
    let link = |request, code: &str, expires_at, disabled_at, swept_at| Link {
        code: code.to_owned(),
        url: url(request),
        owner: 1,
        created_at: NOW,
        expires_at,
        disabled_at,
        swept_at,
        warned_at: None,
        max_clicks: None,
        used: 0,
    };
    let mut stored = Stored::at(at(100));
    stored.links = vec![link(1, "cat", Some(at(60)), None, Some(at(90))), link(2, "dog", None, Some(at(10)), None)];
    let minute = NOW.minute();
    stored.clicks = [(("cat".to_owned(), minute.clone()), 2), (("dog".to_owned(), minute), 3)].into();
    stored.days =
        [(("cat".to_owned(), NOW.day().to_string()), 2), (("dog".to_owned(), NOW.day().to_string()), 3)].into();
    let told = |kind: &str, request, id: &str| (kind.to_owned(), url(request), id.to_owned());
    stored.told = vec![
        told("LinkCreated", 1, "a"),
        told("LinkCreated", 1, "a"),
        told("LinkCreated", 2, "b"),
        told("LinkDisabled", 2, "c"),
        told("LinkExpired", 1, "d"),
    ];
    stored.stats = [("cat".to_owned(), 2)].into();
    stored.listed = [(1, ["cat".to_owned()].into())].into();
    ((0..).zip(all).map(seen).collect(), stored)
}

/// The broken promises after a change of the history.
fn broken(change: impl FnOnce(&mut Vec<Seen>, &mut Stored)) -> Vec<String> {
    let (mut seen, mut stored) = history();
    change(&mut seen, &mut stored);
    judge(&seen, &stored).broken
}

#[test]
fn a_true_history_breaks_nothing() {
    assert_eq!(broken(|_, _| {}), Vec::<String>::new());
    // Whether the click of a killed redirect was sent, nobody knows.
    let minute = ("dog".to_owned(), NOW.minute());
    let without = broken(|_, stored| {
        stored.clicks.insert(minute, 2);
        stored.days.insert(("dog".to_owned(), NOW.day().to_string()), 2);
    });
    assert_eq!(without, Vec::<String>::new());
}

#[track_caller]
fn is_named(kind: &str, words: &str, change: impl FnOnce(&mut Vec<Seen>, &mut Stored)) {
    let broken = broken(change);
    assert!(broken.iter().any(|line| line.starts_with(kind) && line.contains(words)), "{broken:#?}");
}

#[test]
fn what_is_lost_is_named() {
    is_named("lost", "cat: request 1 was acknowledged", |_, stored| drop(stored.links.remove(0)));
    is_named("lost", "cat: 1 of 2 clicks", |_, stored| *stored.clicks.values_mut().next().unwrap() = 1);
    is_named("lost", "dog: operation 8 disabled it in vain", |_, stored| stored.links[1].disabled_at = None);
    is_named("lost", "LinkExpired was told under 0 ids", |_, stored| drop(stored.told.pop()));
    is_named("lost", "cat: operation 13 was answered link-not-found", |seen, _| {
        seen[13].what = What::Follow { code: "cat".to_owned(), opened: Opened::Refused("link-not-found".to_owned()) };
    });
}

#[test]
fn what_is_doubled_is_named() {
    is_named("doubled", "dog: 4 clicks of at most 3", |_, stored| *stored.clicks.values_mut().last().unwrap() = 4);
    is_named("doubled", "cat: request 1 made", |_, stored| {
        let second = Link { code: "cow".to_owned(), ..stored.links[0].clone() };
        stored.links.push(second);
    });
    is_named("doubled", "cat: request 1 made", |seen, _| {
        let What::Create { made, .. } = &mut seen[1].what else { panic!() };
        *made = Made::Link("cow".to_owned());
    });
    is_named("doubled", "LinkCreated was told under 2 ids", |_, stored| stored.told[1].2 = "e".to_owned());
    is_named("doubled", "cat: opened 2 times", |_, stored| {
        (stored.links[0].max_clicks, stored.links[0].used) = (Some(1), 1);
    });
    is_named("doubled", "operation 7: 3 clicks of 2", |seen, _| {
        seen[7].what = What::Stats { code: "cat".to_owned(), total: Some(3) };
    });
}

#[test]
fn what_is_wrong_is_named() {
    is_named("wrong", "cat: operation 5 led to", |seen, _| {
        seen[5].what = What::Follow { code: "cat".to_owned(), opened: Opened::To { url: url(2), sent: true } };
    });
    is_named("wrong", "dog: operation 12 led to", |seen, _| {
        seen[12].what = What::Follow { code: "dog".to_owned(), opened: Opened::To { url: url(2), sent: true } };
    });
    is_named("wrong", "cat: operation 11 led to", |seen, _| {
        seen[11].what = What::Follow { code: "cat".to_owned(), opened: Opened::To { url: url(1), sent: true } };
    });
    is_named("wrong", "cat: request 1 was refused, and made", |seen, _| {
        for one in seen.iter_mut().take(2) {
            let What::Create { made, .. } = &mut one.what else { panic!() };
            *made = Made::Refused("code-taken".to_owned());
        }
    });
    is_named("wrong", "cat: operation 11 was answered link-used-up", |seen, _| {
        seen[11].what = What::Follow { code: "cat".to_owned(), opened: Opened::Refused("link-used-up".to_owned()) };
    });
    is_named("wrong", "took the code from", |_, stored| stored.links[1].code = "cat".to_owned());
    is_named("wrong", "is summed as", |_, stored| *stored.days.values_mut().next().unwrap() = 1);
    is_named("wrong", "is shown 1 clicks of 2", |_, stored| *stored.stats.values_mut().next().unwrap() = 1);
    is_named("wrong", "list and links differ", |_, stored| drop(stored.listed.insert(1, ["dog".to_owned()].into())));
    is_named("wrong", "nobody asked for it", |seen, _| drop(seen.remove(2)));
}

#[test]
fn what_owners_are_not_told_and_told_too_often_is_named() {
    let without = |change: &dyn Fn(&mut Stored)| {
        broken(|seen, stored| {
            // The warned link did not expire.
            seen.retain(|one| one.operation != 11);
            warned(stored);
            change(stored);
        })
    };
    let names = |broken: Vec<String>, kind: &str, words: &str| {
        assert!(broken.iter().any(|line| line.starts_with(kind) && line.contains(words)), "{broken:#?}");
    };
    assert_eq!(without(&|_| {}), Vec::<String>::new());
    names(without(&|stored| stored.asked.clear()), "lost", "link_expiring was asked for under 0 ids instead of 1");
    names(without(&|stored| stored.asked[1].id = "b".to_owned()), "doubled", "under 2 ids instead of 1");
    names(without(&|stored| stored.asked[1].tenant = "owner-2".to_owned()), "wrong", "is for nobody who owns it");
    names(
        without(&|stored| stored.asked[1].code = "eel".to_owned()),
        "wrong",
        "eel: link_expiring was asked for of no",
    );
    names(without(&|stored| stored.links[0].warned_at = None), "lost", "cat: nobody was warned of its end");
    is_named("lost", "cat: link_used_up was asked for under 0 ids", |_, stored| {
        (stored.links[0].max_clicks, stored.links[0].used) = (Some(2), 2);
    });
}
