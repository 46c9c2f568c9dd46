//! Links under the names of Kutt's API v2. <https://docs.kutt.it>

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use types::{Answer, Fault, Instant};
use web::{Problem, RequestMeta};

use crate::App;
use crate::domain::{Browser, Change, Code, Counts, Link, LinkError, Os};

/// Between the domain and the code of an id, since `/` would end the path's part.
const OF: char = '~';

/// A link, as Kutt shows it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct KuttLink {
    /// What it is changed and deleted by.
    pub id: String,
    /// The last part of its short URL.
    pub address: String,
    /// Where it leads.
    pub target: String,
    /// What to share.
    pub link: String,
    /// Its title.
    pub description: Option<String>,
    /// Whether it was disabled.
    pub banned: bool,
    /// Whether a visitor must know a password.
    pub password: bool,
    /// From when on it does not open.
    pub expire_in: Option<Instant>,
    /// People's clicks.
    pub visit_count: u64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
    /// The caller's domain that it is on, where it is not the service's own.
    pub domain: Option<String>,
}

/// Clicks in a span of time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Span {
    /// By name.
    pub stats: Facets,
    /// By unit, oldest first.
    pub views: Vec<u64>,
    /// All of them.
    pub total: u64,
}

/// Clicks by name, most first.
#[derive(Debug, Serialize, JsonSchema)]
#[allow(missing_docs)]
pub struct Facets {
    pub browser: Vec<Named>,
    pub os: Vec<Named>,
    pub country: Vec<Named>,
    pub referrer: Vec<Named>,
}

/// What a name counts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Named {
    /// The name.
    pub name: String,
    /// People's clicks.
    pub value: u64,
}

/// A refusal as Kutt's clients read it: a problem with `error` beside its own members.
pub fn problem(refusal: LinkError) -> Problem {
    let error = match &refusal {
        LinkError::CodeTaken => "Custom URL is already in use.".to_owned(),
        LinkError::NotFound => "Link could not be found.".to_owned(),
        other => other.to_string(),
    };
    Problem::from(refusal).with("error", error)
}

/// A fault of ours, or a refusal in Kutt's words.
pub fn told<T>(answer: Answer<T, LinkError>) -> Result<T, Problem> {
    answer.map_err(|fault: Fault| Problem::from(fault))?.map_err(problem)
}

/// A length of time as the npm package `ms` reads it, in seconds: `1m`, `8h`, `42 days`.
fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 7.0 * 86_400.0,
        "y" | "yr" | "yrs" | "year" | "years" => 365.25 * 86_400.0,
        _ => return None,
    };
    let seconds = number.parse::<f64>().ok()? * unit;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // no sign was read, and `as` saturates
    Some(seconds as u64)
}

/// A life as Kutt's clients write it, at least a minute.
///
/// # Errors
/// [`LinkError::Expiry`], in Kutt's words.
pub fn life(expire_in: Option<String>) -> Result<Change<u64>, Problem> {
    let read = |text: String| seconds(&text).filter(|&seconds| seconds >= 60).ok_or(LinkError::Expiry);
    Ok(Change::of(expire_in.map(read).transpose().map_err(problem)?))
}

/// A URL as Kutt's clients write it: without a scheme, `http://` is meant.
pub fn target(text: String) -> String {
    if text.contains("://") { text } else { format!("http://{text}") }
}

impl App {
    /// The link as Kutt shows it.
    pub(crate) fn kutt_link(&self, link: Link, visit_count: u64, meta: &RequestMeta) -> KuttLink {
        KuttLink {
            id: link.code.as_str().replace('/', &OF.to_string()),
            address: link.code.name().to_owned(),
            link: self.short_url(&link.code, meta),
            target: link.url.as_str().to_owned(),
            banned: link.disabled_at.is_some(),
            password: link.password.is_some(),
            expire_in: link.expires_at,
            visit_count,
            created_at: link.created_at,
            updated_at: link.updated_at.unwrap_or(link.created_at),
            domain: link.code.domain().map(str::to_owned),
            description: link.title,
        }
    }
}

/// The code of an id.
pub fn code_of(id: &str) -> Result<Code, Problem> {
    let (domain, name) = id.rsplit_once(OF).map_or((None, id), |(domain, name)| (Some(domain), name));
    let code = Code::of_path(name).map_err(problem)?;
    let domain = domain.map(str::parse).transpose().map_err(|_| problem(LinkError::NotFound))?;
    Ok(code.on(domain.as_ref()))
}

impl Span {
    /// The hours of a day: exact, and told apart by name.
    pub fn of_hours(hours: &BTreeMap<String, Counts>, now: Instant) -> Self {
        let hour = |back: u32| (now - Duration::from_secs(3600) * back).hour();
        let views = (0..24).rev().map(|back| hours.get(&hour(back)).map_or(0, Counts::people)).collect();
        Self::of(views, &Counts::sum(hours.values()))
    }

    /// So many days.
    pub fn of_days(days: &BTreeMap<String, Counts>, count: u16, now: Instant) -> Self {
        let dates: Vec<String> = (0..count).rev().map(|back| now.day().back(back).to_string()).collect();
        let views = dates.iter().map(|date| days.get(date).map_or(0, Counts::people)).collect();
        Self::of(views, &Counts::sum(dates.iter().filter_map(|date| days.get(date))))
    }

    /// Twelve months of the calendar, this one last.
    pub fn of_year(days: &BTreeMap<String, Counts>, now: Instant) -> Self {
        let mut months: Vec<String> = Vec::new();
        let mut day = now.day();
        while months.len() < 12 {
            let month = day.to_string()[..7].to_owned();
            if months.last() != Some(&month) {
                months.push(month);
            }
            day = day.back(1);
        }
        months.reverse();
        let of = |month: &String| {
            days.iter().filter(|(date, _)| date.starts_with(month.as_str())).map(|(_, sum)| sum.people()).sum()
        };
        let views = months.iter().map(of).collect();
        let first = months.first().cloned().unwrap_or_default();
        Self::of(views, &Counts::sum(days.iter().filter(|(date, _)| **date >= first).map(|(_, sum)| sum)))
    }

    fn of(views: Vec<u64>, sum: &Counts) -> Self {
        let all = |known: &[&str], counted: &BTreeMap<String, u64>| {
            let mut names: BTreeMap<String, u64> = known.iter().map(|name| ((*name).to_owned(), 0)).collect();
            names.extend(counted.iter().map(|(name, clicks)| (name.clone(), *clicks)));
            let mut named: Vec<Named> = names.into_iter().map(|(name, value)| Named { name, value }).collect();
            named.sort_by_key(|named| std::cmp::Reverse(named.value));
            named
        };
        let browser = all(&Browser::ALL.map(Browser::name), &sum.browsers);
        let os = all(&Os::ALL.map(Os::name), &sum.systems);
        let stats = Facets { browser, os, country: all(&[], &sum.countries), referrer: all(&[], &sum.referrers) };
        Self { stats, total: views.iter().sum(), views }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, expected) in [
            ("1m", Some(60)),
            ("8h", Some(8 * 3600)),
            ("42 days", Some(42 * 86_400)),
            ("1.5 hours", Some(5400)),
            ("2 MINUTES", Some(120)),
            ("soon", None),
            ("5", None),
            ("-1m", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_year_is_twelve_months() {
        let now: Instant = "2027-03-31T08:00:00Z".parse().unwrap();
        let day = |clicks| Counts { clicks, ..Counts::default() };
        let days: BTreeMap<String, Counts> = [
            ("2026-03-31".to_owned(), day(8)),
            ("2026-04-01".to_owned(), day(4)),
            ("2027-02-28".to_owned(), day(2)),
            ("2027-03-01".to_owned(), day(1)),
        ]
        .into();
        let year = Span::of_year(&days, now);
        assert_eq!((year.views.len(), year.views[0], year.views[10], year.views[11], year.total), (12, 4, 2, 1, 7));
    }
}
