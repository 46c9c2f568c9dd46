//! Links under the names of Bitly's API v4. <https://dev.bitly.com/api-reference>

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::{Answer, Fault, Instant};
use web::{Problem, RequestMeta};

use crate::App;
use crate::claims::Claimed;
use crate::domain::{Code, Counts, Link, LinkError};
use crate::requests::NewLink;

/// Bitly's own domain, which its clients name where they mean the service's.
const BITLY: &str = "bit.ly";
/// Most units of a series.
const MOST_UNITS: u32 = 1000;

/// A link, as Bitly shows it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Bitlink {
    /// `s.example/cat`
    pub id: String,
    /// `https://s.example/cat`
    pub link: String,
    /// Where it leads.
    pub long_url: String,
    /// Its title.
    pub title: String,
    /// Its labels.
    pub tags: Vec<String>,
    /// `2026-11-22T01:02:03+0000`
    pub created_at: String,
    /// Who made it.
    pub created_by: String,
    /// Whether it was disabled.
    pub archived: bool,
    /// The same.
    pub is_deleted: bool,
    /// None.
    pub custom_bitlinks: Vec<String>,
    /// None.
    pub deeplinks: Vec<String>,
    /// None.
    pub launchpad_ids: Vec<String>,
    /// None.
    pub client_id: String,
    /// None.
    pub references: BTreeMap<String, String>,
}

/// Which times are counted.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Window {
    /// `hour`, `day` (default), `week` or `month`.
    #[serde(default)]
    pub unit: Unit,
    /// How many, up to 1,000; -1 (default) for all since the link was made.
    pub units: Option<i32>,
    /// Most metrics that are listed; default 50.
    pub size: Option<usize>,
}

/// A span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Unit {
    Hour,
    #[default]
    Day,
    Week,
    Month,
}

impl Unit {
    fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3600,
            Self::Day => 24 * 3600,
            Self::Week => 7 * 24 * 3600,
            Self::Month => 30 * 24 * 3600,
        }
    }
}

/// Clicks, summed by unit.
#[derive(Debug)]
pub struct Series {
    /// The unit.
    pub unit: Unit,
    /// How many units were asked for; -1 for all.
    pub units: i32,
    /// When the last begins.
    pub reference: Instant,
    /// Clicks of each unit, newest first.
    pub clicks: Vec<(Instant, u64)>,
    /// Sums of the days that the units touch.
    pub sum: Counts,
}

/// A time as Bitly writes it.
pub fn time(at: Instant) -> String {
    format!("{:.19}+0000", at.to_string())
}

/// A refusal as Bitly's clients read it: a problem with their members beside its own.
pub fn problem(refusal: LinkError) -> Problem {
    let message = match &refusal {
        LinkError::NotFound => "NOT_FOUND",
        LinkError::Expired { .. } | LinkError::UsedUp { .. } | LinkError::Disabled { .. } => "GONE",
        LinkError::Target(_) => "INVALID_ARG_LONG_URL",
        LinkError::CodeTaken => "ALREADY_A_BITLY_LINK",
        LinkError::DomainInvalid | LinkError::DomainNotFound => "INVALID_ARG_DOMAIN",
        _ => "UNPROCESSABLE_ENTITY",
    };
    let description = refusal.to_string();
    let problem = match refusal {
        // Bitly answers 400 to what cannot be shortened, and its clients take 422 for something else.
        LinkError::Target(_) => Problem::of(crate::problems::BITLY_URL_INVALID).detail(description.clone()),
        other => other.into(),
    };
    problem.with("message", message).with("description", description).with("resource", "bitlinks")
}

impl App {
    /// The link as Bitly shows it.
    pub(crate) fn bitlink(&self, link: Link, meta: &RequestMeta) -> Bitlink {
        let short_url = self.short_url(&link.code, meta);
        let disabled = link.disabled_at.is_some();
        Bitlink {
            id: without_scheme(&short_url).to_owned(),
            link: short_url,
            long_url: link.url.as_str().to_owned(),
            title: link.title.unwrap_or_default(),
            tags: link.tags,
            created_at: time(link.created_at),
            created_by: link.owner,
            archived: disabled,
            is_deleted: disabled,
            custom_bitlinks: Vec::new(),
            deeplinks: Vec::new(),
            launchpad_ids: Vec::new(),
            client_id: String::new(),
            references: BTreeMap::new(),
        }
    }

    /// The domain of a link to make, where it is not the service's own.
    pub(crate) fn bitly_domain(&self, domain: Option<String>, meta: &RequestMeta) -> Option<String> {
        let base = self.base(meta);
        domain.filter(|domain| !domain.is_empty() && domain != BITLY && domain != without_scheme(&base))
    }

    /// The code of `s.example/cat`.
    pub(crate) fn bitly_code(&self, domain: &str, name: &str, meta: &RequestMeta) -> Result<Code, LinkError> {
        let domain = self.bitly_domain(Some(domain.to_owned()), meta);
        self.code_of(name, domain.as_deref())
    }

    /// Makes a link as Bitly does: the caller's link to the same URL is answered again.
    pub(crate) async fn shorten(&self, owner: &str, new: NewLink, meta: &RequestMeta) -> Answer<Link, LinkError> {
        let new = NewLink { dedupe: new.code.is_none(), ..new };
        Ok(self.create(owner, new, meta, None).await?.and_then(|claimed| match claimed {
            Claimed::New(link) | Claimed::Known(link) => Ok(link),
            Claimed::Queued(_) => Err(LinkError::NotFound), // only a patient claim is queued
        }))
    }

    /// The clicks of the caller's link in a window of time: one query.
    pub(crate) async fn bitly_series(&self, code: &Code, caller: &str, window: &Window) -> Answer<Series, LinkError> {
        let now = self.clock.now();
        let stats = self.own_stats(code, caller).await?;
        Ok(stats.map(|(link, days)| Series::of(&days, window, link.created_at, now)))
    }
}

impl Series {
    /// Sums days into the units before `now`, the unit under way included.
    pub fn of(days: &BTreeMap<String, Counts>, window: &Window, since: Instant, now: Instant) -> Self {
        let unit = window.unit.seconds();
        let begin = |at: Instant| at.seconds().div_euclid(unit) * unit;
        let (last, first) = (begin(now), begin(since));
        let all = u32::try_from((last - first) / unit + 1).unwrap_or(MOST_UNITS);
        let wanted = window.units.and_then(|units| u32::try_from(units).ok()).unwrap_or(all);
        let units = wanted.clamp(1, MOST_UNITS);
        let mut clicks: Vec<(Instant, u64)> =
            (0..i64::from(units)).map(|back| (Instant::from_seconds(last - back * unit), 0)).collect();
        let oldest = last - (i64::from(units) - 1) * unit;
        let mut sums = Vec::new();
        for (date, counts) in days {
            let Ok(day) = format!("{date}T00:00:00Z").parse::<Instant>() else { continue };
            if day + Duration::from_secs(24 * 3600) <= Instant::from_seconds(oldest) {
                continue;
            }
            sums.push(counts);
            // A day of before hours were told apart counts at its beginning.
            let whole = [("00".to_owned(), counts.people())].into();
            let hours = if counts.hours.is_empty() { &whole } else { &counts.hours };
            for (hour, people) in hours {
                let at = day + Duration::from_secs(3600 * hour.parse::<u64>().unwrap_or_default());
                let place = usize::try_from((last - begin(at)) / unit).ok().and_then(|place| clicks.get_mut(place));
                if let Some((_, clicks)) = place {
                    *clicks += people;
                }
            }
        }
        let sum = Counts::sum(sums);
        let units = window.units.unwrap_or(-1);
        Self { unit: window.unit, units, reference: Instant::from_seconds(last), clicks, sum }
    }
}

/// What a name counts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Metric {
    /// The name.
    pub value: String,
    /// People's clicks.
    pub clicks: u64,
}

/// Clicks by name, most first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Metrics {
    /// How many units were asked for; -1 for all.
    pub units: i32,
    /// Which.
    pub unit: Unit,
    /// When the last began.
    pub unit_reference: String,
    /// What the names are.
    pub facet: &'static str,
    /// The names.
    pub metrics: Vec<Metric>,
}

impl Metrics {
    /// The names of one kind.
    pub fn of(facet: &'static str, series: &Series, names: &BTreeMap<String, u64>, window: &Window) -> Self {
        let metric = |(value, &clicks): (&String, &u64)| Metric { value: value.clone(), clicks };
        let mut metrics: Vec<Metric> = names.iter().map(metric).collect();
        metrics.sort_by_key(|metric| std::cmp::Reverse(metric.clicks));
        metrics.truncate(window.size.unwrap_or(50));
        Self { units: series.units, unit: series.unit, unit_reference: time(series.reference), facet, metrics }
    }
}

/// A fault of ours, or a refusal in Bitly's words.
pub fn told<T>(answer: Answer<T, LinkError>) -> Result<T, Problem> {
    answer.map_err(|fault: Fault| Problem::from(fault))?.map_err(problem)
}

fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_ends_with_the_unit_under_way_and_loses_no_click() {
        let now: Instant = "2027-01-15T08:30:00Z".parse().unwrap();
        let day = |hours: &[(&str, u64)]| Counts {
            clicks: hours.iter().map(|(_, clicks)| clicks).sum(),
            hours: hours.iter().map(|(hour, clicks)| ((*hour).to_owned(), *clicks)).collect(),
            ..Counts::default()
        };
        let days = [
            ("2027-01-13".to_owned(), day(&[("23", 4)])),
            ("2027-01-14".to_owned(), day(&[("09", 2)])),
            ("2027-01-15".to_owned(), day(&[("07", 1), ("08", 1)])),
        ];
        let days: BTreeMap<String, Counts> = days.into();
        let since: Instant = "2027-01-13T22:00:00Z".parse().unwrap();
        let clicks = |unit, units| {
            let series = Series::of(&days, &Window { unit, units: Some(units), size: None }, since, now);
            series.clicks.iter().map(|(_, clicks)| *clicks).collect::<Vec<_>>()
        };
        assert_eq!(clicks(Unit::Day, -1), [2, 2, 4]);
        assert_eq!(clicks(Unit::Day, 1), [2]);
        assert_eq!(clicks(Unit::Hour, 2), [1, 1]);
        assert_eq!(clicks(Unit::Hour, -1).iter().sum::<u64>(), 8);
        assert_eq!(clicks(Unit::Month, -1).iter().sum::<u64>(), 8);
        assert_eq!(time(now), "2027-01-15T08:30:00+0000");
    }
}
