//! What must add up: limits, clicks, sums, events, lists.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::judge::{Judge, clicked};
use super::seen::{Opened, What};
use super::stored::Link;

/// For so long before its end a link's owner is to be told of it, if it was further off at first.
const WARNING: Duration = Duration::from_secs(24 * 3600);

impl Judge<'_> {
    /// No link opens more often than it may. (Less often it may: an opening whose answer was lost is used up, too.)
    pub(super) fn limits(&mut self) {
        let mut opened: BTreeMap<&str, u64> = BTreeMap::new();
        for one in self.seen {
            if let What::Follow { opened: Opened::To { url, .. }, .. } = &one.what {
                *opened.entry(url).or_default() += 1;
            }
        }
        for link in &self.stored.links {
            let times = opened.get(link.url.as_str()).copied().unwrap_or_default();
            if link.max_clicks.is_some_and(|most| times > most || link.used > most || times > link.used) {
                self.note("doubled", &link.code, format!("opened {times} times: {link:?}"));
            }
        }
    }

    /// Every click that was sent counts once, one that may have been sent at most once.
    pub(super) fn clicks(&mut self) {
        let mut bounds: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
        for one in self.seen {
            if let Some((code, sent)) = clicked(one) {
                let (least, most) = bounds.entry((code.to_owned(), one.at.minute())).or_default();
                *least += u64::from(sent);
                *most += 1;
            }
        }
        let minutes: BTreeSet<_> = bounds.keys().chain(self.stored.clicks.keys()).cloned().collect();
        for minute in minutes {
            let (least, most) = bounds.get(&minute).copied().unwrap_or_default();
            let counted = self.stored.clicks.get(&minute).copied().unwrap_or_default();
            if counted < least {
                self.note("lost", &minute.0, format!("{counted} of {least} clicks of {}", minute.1));
            }
            if counted > most {
                self.note("doubled", &minute.0, format!("{counted} clicks of at most {most} of {}", minute.1));
            }
        }
    }

    /// The sums of days, and what owners are shown, are those of the clicks.
    pub(super) fn sums(&mut self) {
        let mut days: BTreeMap<(String, String), u64> = BTreeMap::new();
        for ((code, minute), clicks) in &self.stored.clicks {
            *days.entry((code.clone(), minute[..10].to_owned())).or_default() += clicks;
        }
        if days != self.stored.days {
            let differ = days.iter().find(|(day, clicks)| self.stored.days.get(*day) != Some(clicks));
            let code = differ.map_or("", |((code, _), _)| code.as_str()).to_owned();
            self.note(
                "wrong",
                &code,
                format!("{differ:?} is summed as {:?}", self.stored.days.iter().find(|(day, _)| day.0 == code)),
            );
        }
        for (code, shown) in &self.stored.stats {
            let Some(link) = self.links_of(code).last() else { continue };
            let since = link.created_at.day().to_string();
            let of = days.iter().filter(|((own, day), _)| own == code && *day >= since);
            let total: u64 = of.map(|(_, clicks)| clicks).sum();
            if total != *shown {
                self.note("wrong", code, format!("its owner is shown {shown} clicks of {total}"));
            }
        }
    }

    /// What happened to a link is told, under one id however often, and nothing else is.
    pub(super) fn events(&mut self) {
        let mut told: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for (kind, url, id) in &self.stored.told {
            told.entry((kind, url)).or_default().insert(id);
        }
        for link in &self.stored.links {
            let expired = link.disabled_at.is_none() && link.is_expired(self.stored.now);
            for (kind, happened) in [
                ("LinkCreated", true),
                ("LinkDisabled", link.disabled_at.is_some()),
                ("LinkExpired", expired),
                ("LinkUsedUp", link.is_used_up()),
            ] {
                let ids = told.remove(&(kind, link.url.as_str())).map_or(0, |ids| ids.len());
                if ids != usize::from(happened) {
                    let wrong = if ids < usize::from(happened) { "lost" } else { "doubled" };
                    self.note(wrong, &link.code, format!("{kind} was told under {ids} ids of {link:?}"));
                }
            }
        }
        for (kind, url) in told.into_keys() {
            self.note("wrong", "", format!("{kind} was told of {url}, which is no link"));
        }
    }

    /// Owners are told of each limit that was reached and of each end that the sweep warned of, under one id however
    /// often, and of nothing else; and it warned of each end that is near.
    pub(super) fn owners(&mut self) {
        let mut asked: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for one in &self.stored.asked {
            asked.entry((&one.kind, &one.code)).or_default().insert(&one.id);
            let owns = |link: &Link| one.tenant == format!("owner-{}", link.owner) && one.user == "account";
            if !self.links_of(&one.code).any(owns) {
                self.note("wrong", &one.code, format!("{one:?} is for nobody who owns it"));
            }
        }
        // A forgotten link's code may be another's by now.
        let mut expected: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for link in &self.stored.links {
            let events = [("link_used_up", link.is_used_up()), ("link_expiring", link.warned_at.is_some())];
            for (kind, happened) in events {
                *expected.entry((kind, &link.code)).or_default() += usize::from(happened);
            }
            let near = link.expires_at.is_some_and(|end| {
                let warning = end - WARNING;
                link.created_at < warning && warning <= self.stored.now && self.stored.now < end
            });
            if near && link.disabled_at.is_none() && link.warned_at.is_none() {
                self.note("lost", &link.code, format!("nobody was warned of its end: {link:?}"));
            }
        }
        for ((kind, code), times) in expected {
            let ids = asked.remove(&(kind, code)).map_or(0, |ids| ids.len());
            if ids != times {
                let wrong = if ids < times { "lost" } else { "doubled" };
                self.note(wrong, code, format!("{kind} was asked for under {ids} ids instead of {times}"));
            }
        }
        for (kind, code) in asked.into_keys() {
            self.note("wrong", code, format!("{kind} was asked for of no link"));
        }
    }

    pub(super) fn lists(&mut self) {
        for (owner, listed) in &self.stored.listed {
            let stands = |link: &&Link| {
                link.owner == *owner && link.disabled_at.is_none() && !link.is_forgotten(self.stored.now)
            };
            let expected: BTreeSet<String> =
                self.stored.links.iter().filter(stands).map(|link| link.code.clone()).collect();
            for code in expected.symmetric_difference(listed) {
                self.note("wrong", code, format!("owner-{owner}'s list and links differ in it"));
            }
        }
    }
}
