//! Holds what clients saw against what is stored. Every broken promise is named with the operation and the history of
//! its code.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use testkit::Verdict;
use types::Instant;

use super::seen::{Got, Looked, Made, Opened, Seen, What};
use super::stored::{Link, Stored};

/// For so long other sandboxes may open a link that was disabled.
const STALENESS: Duration = Duration::from_secs(60);
/// For so long a sandbox that saw no link believes that there is none.
const ABSENCE: Duration = Duration::from_secs(5);
/// For so long an ended link answers 410 and keeps its code.
const GRACE: Duration = Duration::from_secs(30 * 24 * 3600);

pub fn judge(seen: &[Seen], stored: &Stored) -> Verdict {
    let (mut of_code, mut of_url): (BTreeMap<_, Vec<_>>, BTreeMap<_, Vec<_>>) = Default::default();
    for link in &stored.links {
        of_code.entry(link.code.as_str()).or_default().push(link);
        of_url.entry(link.url.as_str()).or_default().push(link);
    }
    let mut judge = Judge { seen, stored, of_code, of_url, acknowledged: BTreeMap::new(), broken: Vec::new() };
    for one in seen {
        if let What::Create { request, made: Made::Link(_), .. } = &one.what {
            let first = judge.acknowledged.entry(url(*request)).or_insert(one.ended);
            *first = one.ended.min(*first);
        }
    }
    judge.claims();
    judge.one_link_at_a_time();
    seen.iter().for_each(|one| judge.answer(one));
    judge.limits();
    judge.clicks();
    judge.sums();
    judge.events();
    judge.owners();
    judge.lists();
    let count = |kind: &str| judge.broken.iter().filter(|(own, _)| *own == kind).count() as u64;
    let figures = vec![
        ("links", stored.links.len() as u64),
        ("used up", stored.links.iter().filter(|link| link.is_used_up()).count() as u64),
        ("clicks", stored.clicks.values().sum()),
        ("warned", stored.links.iter().filter(|link| link.warned_at.is_some()).count() as u64),
        ("events", stored.told.len() as u64),
        ("lost", count("lost")),
        ("doubled", count("doubled")),
        ("wrong", count("wrong")),
    ];
    Verdict { figures, broken: judge.broken.into_iter().map(|(kind, text)| format!("{kind}: {text}")).collect() }
}

fn url(request: u64) -> String {
    format!("https://target.example/{request}")
}

pub(super) struct Judge<'a> {
    pub(super) seen: &'a [Seen],
    pub(super) stored: &'a Stored,
    of_code: BTreeMap<&'a str, Vec<&'a Link>>,
    of_url: BTreeMap<&'a str, Vec<&'a Link>>,
    /// When a client first knew of the link with this URL.
    acknowledged: BTreeMap<String, u64>,
    broken: Vec<(&'static str, String)>,
}

impl Link {
    fn forgotten_at(&self) -> Option<Instant> {
        self.disabled_at.into_iter().chain(self.expires_at).min().map(|end| end + GRACE)
    }
    pub(super) fn is_forgotten(&self, at: Instant) -> bool {
        self.forgotten_at().is_some_and(|forgotten| forgotten <= at)
    }
    pub(super) fn is_used_up(&self) -> bool {
        self.max_clicks.is_some_and(|most| most <= self.used)
    }
    pub(super) fn is_expired(&self, at: Instant) -> bool {
        self.expires_at.is_some_and(|end| end <= at)
    }
    fn is_disabled(&self, at: Instant) -> bool {
        self.disabled_at.is_some_and(|end| end <= at)
    }
}

impl<'a> Judge<'a> {
    pub(super) fn note(&mut self, kind: &'static str, code: &str, what: impl std::fmt::Display) {
        let touches = |one: &&Seen| match &one.what {
            What::Create { body, made, .. } => *made == Made::Link(code.to_owned()) || body["code"] == code,
            What::Follow { code: own, .. } | What::Disable { code: own, .. } => own == code,
            What::Stats { code: own, .. } | What::Get { code: own, .. } => own == code,
        };
        let history: Vec<String> =
            self.seen.iter().filter(touches).take(40).map(|one| format!("    {one:?}")).collect();
        self.broken.push((kind, format!("{code}: {what}\n{}", history.join("\n"))));
    }

    pub(super) fn links_of(&self, code: &str) -> impl DoubleEndedIterator<Item = &'a Link> {
        self.of_code.get(code).into_iter().flatten().copied()
    }

    /// A request makes one link if it was acknowledged, at most one if nobody knows, and none if it was refused.
    fn claims(&mut self) {
        let mut requests: BTreeMap<u64, Vec<&Seen>> = BTreeMap::new();
        for one in self.seen {
            if let What::Create { request, .. } = one.what {
                requests.entry(request).or_default().push(one);
            }
        }
        for (request, sendings) in &requests {
            let links = self.of_url.remove(url(*request).as_str()).unwrap_or_default();
            let made = |one: &&Seen| if let What::Create { made, .. } = &one.what { Some(made.clone()) } else { None };
            let answers: Vec<Made> = sendings.iter().filter_map(made).collect();
            let codes: BTreeSet<&str> = answers
                .iter()
                .filter_map(|made| if let Made::Link(code) = made { Some(code.as_str()) } else { None })
                .collect();
            let name = codes.first().copied().or(links.first().map(|link| link.code.as_str())).unwrap_or_default();
            if links.len() > 1 || codes.len() > 1 {
                self.note("doubled", name, format!("request {request} made {links:?} and was answered {codes:?}"));
            }
            if codes.iter().any(|code| links.iter().all(|link| link.code != *code || link.owner != sendings[0].owner)) {
                self.note("lost", name, format!("request {request} was acknowledged and made {links:?}"));
            }
            if !links.is_empty() && answers.iter().all(|made| matches!(made, Made::Refused(_))) {
                self.note("wrong", name, format!("request {request} was refused, and made {links:?}"));
            }
        }
        for link in std::mem::take(&mut self.of_url).into_values().flatten() {
            self.note("wrong", &link.code, "nobody asked for it");
        }
    }

    fn one_link_at_a_time(&mut self) {
        let mut last: BTreeMap<&str, &Link> = BTreeMap::new();
        for link in &self.stored.links {
            if let Some(before) = last.insert(&link.code, link).filter(|before| !before.is_forgotten(link.created_at)) {
                self.note("wrong", &link.code, format!("{link:?} took the code from {before:?}"));
            }
        }
    }

    /// A link that was known before this request began, and is not forgotten.
    fn known(&self, code: &str, one: &Seen) -> Option<&'a Link> {
        let known = |link: &&Link| self.acknowledged.get(&link.url).is_some_and(|ended| *ended < one.began);
        self.links_of(code).filter(known).find(|link| link.created_at <= one.at && !link.is_forgotten(one.at))
    }

    /// What any answer but a failure may say.
    fn answer(&mut self, one: &Seen) {
        match &one.what {
            What::Create { request, body, made: Made::Refused(problem), .. } => {
                let own = url(*request);
                let holds = |link: &Link| link.url != own && link.created_at <= one.at && !link.is_forgotten(one.at);
                let code = body["code"].as_str().unwrap_or_default();
                if problem != "code-taken" || !self.links_of(code).any(holds) {
                    self.note("wrong", code, format!("request {request} was answered {problem}"));
                }
            }
            What::Follow { code, opened: Opened::To { url, .. } } => {
                let late = |link: &Link| link.disabled_at.is_some_and(|end| end + STALENESS <= one.at);
                let opens = |link: &Link| link.created_at <= one.at && !link.is_expired(one.at) && !late(link);
                if !self.links_of(code).any(|link| link.url == *url && opens(link)) {
                    self.note("wrong", code, format!("operation {} led to {url}", one.operation));
                }
            }
            What::Follow { code, opened: Opened::Refused(problem) } => self.refusal(code, problem, one, None),
            What::Get { code, looked: Looked::Refused(problem) } => self.refusal(code, problem, one, Some(one.owner)),
            What::Disable { code, got: Got::Refused(problem) } => self.refusal(code, problem, one, Some(one.owner)),
            What::Get { code, looked: Looked::At { url, state } } => {
                let is = |link: &Link| match state.as_str() {
                    "active" => !link.is_expired(one.at),
                    "expired" => link.is_expired(one.at),
                    "used_up" => link.is_used_up(),
                    _ => link.is_disabled(one.at),
                };
                if !self.links_of(code).any(|link| link.url == *url && link.owner == one.owner && is(link)) {
                    self.note("wrong", code, format!("operation {} saw {url} {state}", one.operation));
                }
            }
            What::Disable { code, got: Got::Done } => {
                let ended = |link: &Link| link.is_disabled(one.at) || link.is_expired(one.at);
                if !self.links_of(code).any(|link| link.owner == one.owner && ended(link)) {
                    self.note("lost", code, format!("operation {} disabled it in vain", one.operation));
                }
            }
            What::Stats { code, total: Some(total) } => {
                let sent =
                    |other: &&Seen| other.began < one.ended && clicked(other).is_some_and(|(own, _)| own == code);
                let most = self.seen.iter().filter(sent).count() as u64;
                if *total > most {
                    self.note("doubled", code, format!("operation {}: {total} clicks of {most}", one.operation));
                }
            }
            _ => {}
        }
    }

    /// A refusal must be true of the link that is known; `owner` is who asks, where that matters.
    fn refusal(&mut self, code: &str, problem: &str, one: &Seen, owner: Option<u64>) {
        let mine = |link: &Link| owner.is_none_or(|owner| owner == link.owner);
        let wrong = match problem {
            "link-not-found" => {
                let unseen = |link: &Link| owner.is_none() && one.at < link.created_at + ABSENCE;
                self.known(code, one).is_some_and(|link| mine(link) && !unseen(link))
            }
            "link-expired" => !self.links_of(code).any(|link| link.is_expired(one.at)),
            "link-used-up" => !self.links_of(code).any(Link::is_used_up),
            "link-disabled" => !self.links_of(code).any(|link| link.is_disabled(one.at)),
            _ => true,
        };
        if wrong {
            let kind = if problem == "link-not-found" { "lost" } else { "wrong" };
            self.note(kind, code, format!("operation {} was answered {problem}", one.operation));
        }
    }
}

/// The code of a click that was (true) or may have been (false) sent.
pub(super) fn clicked(one: &Seen) -> Option<(&str, bool)> {
    match &one.what {
        What::Follow { code, opened: Opened::To { sent, .. } } => Some((code, *sent)),
        What::Follow { code, opened: Opened::Unknown } => Some((code, false)),
        _ => None,
    }
}
