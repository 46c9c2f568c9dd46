//! What a link's owner is told of its clicks.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use types::{Day, Instant};

use super::Counts;

/// A link's statistics. A click of a bot is told only in `bot_clicks` and `by_device`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Stats {
    /// People's clicks since the link was claimed.
    pub total_clicks: u64,
    /// Bots' clicks since the link was claimed: crawlers, link previews, monitors, programs.
    pub bot_clicks: u64,
    /// The last 24 hours, this one last; hours without a click are there with zero.
    pub by_hour: Vec<HourStats>,
    /// The last thirty days, today last; days without a click are there with zero.
    pub by_day: Vec<DayStats>,
    /// Clicks by country.
    pub by_country: BTreeMap<String, u64>,
    /// Clicks by class of device, bots among them.
    pub by_device: BTreeMap<String, u64>,
    /// Clicks by browser.
    pub by_browser: BTreeMap<String, u64>,
    /// Clicks by operating system.
    pub by_os: BTreeMap<String, u64>,
    /// Clicks by host of the referring page.
    pub by_referrer: BTreeMap<String, u64>,
    /// Clicks by the place of the redirect rule that decided, from 0.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub by_rule: BTreeMap<String, u64>,
}

/// One hour of a link.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HourStats {
    /// When it began, in UTC.
    pub hour: Instant,
    /// People's clicks.
    pub clicks: u64,
}

/// One day of a link.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DayStats {
    /// The day, in UTC.
    pub date: String,
    /// People's clicks.
    pub clicks: u64,
    /// About how many different visitors.
    pub visitors: u64,
}

/// Days of the series (guide 000: the last 30 days).
const DAYS: u16 = 30;
const HOURS: u32 = 24;
const HOUR: Duration = Duration::from_secs(3600);

impl Stats {
    /// The statistics at `now` from each day's sum.
    pub fn of_days(days: &BTreeMap<String, Counts>, now: Instant) -> Self {
        let total = Counts::sum(days.values());
        Self {
            total_clicks: total.people(),
            bot_clicks: total.bots(),
            by_hour: hours(days, now),
            by_day: (0..DAYS).rev().map(|back| DayStats::of(days, now.day().back(back))).collect(),
            by_country: total.countries,
            by_device: total.devices,
            by_browser: total.browsers,
            by_os: total.systems,
            by_referrer: total.referrers,
            by_rule: total.rules,
        }
    }
}

impl DayStats {
    /// A day's sum.
    pub fn new(date: &str, counts: &Counts) -> Self {
        Self { date: date.to_owned(), clicks: counts.people(), visitors: counts.visitor_count() }
    }

    fn of(days: &BTreeMap<String, Counts>, day: Day) -> Self {
        let date = day.to_string();
        days.get(&date).map_or_else(|| Self { date: date.clone(), clicks: 0, visitors: 0 }, |sum| Self::new(&date, sum))
    }
}

fn hours(days: &BTreeMap<String, Counts>, now: Instant) -> Vec<HourStats> {
    let this = Instant::from_seconds(now.seconds().div_euclid(3600) * 3600);
    let hour = |back| {
        let hour = this - HOUR * back;
        let name = hour.hour(); // 2026-11-21T10
        let (date, number) = name.split_once('T').unwrap_or_default();
        let clicks = days.get(date).and_then(|counts| counts.hours.get(number)).copied().unwrap_or_default();
        HourStats { hour, clicks }
    };
    (0..HOURS).rev().map(hour).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_seconds(1_800_000_000); // 2027-01-15T08:00:00Z

    #[test]
    fn the_series_are_thirty_days_and_24_hours_with_now_last() {
        let today = NOW.day();
        let day = |hour: &str| Counts { clicks: 3, hours: [(hour.to_owned(), 3)].into(), ..Counts::default() };
        let days = [(today, "08"), (today.back(1), "08"), (today.back(1), "09"), (today.back(40), "08")];
        let mut sums: BTreeMap<String, Counts> = BTreeMap::new();
        for (date, hour) in days {
            let both = [sums.remove(&date.to_string()).unwrap_or_default(), day(hour)];
            sums.insert(date.to_string(), Counts::sum(&both));
        }
        let stats = Stats::of_days(&sums, NOW);
        assert_eq!((stats.total_clicks, stats.by_day.len(), stats.by_hour.len()), (12, 30, 24));
        assert_eq!(stats.by_day.last().map(|day| day.clicks), Some(3));
        assert_eq!(stats.by_day[0].date, today.back(29).to_string());
        let clicks: Vec<u64> = stats.by_hour.iter().map(|hour| hour.clicks).collect();
        assert_eq!((clicks[0], clicks[23], clicks.iter().sum::<u64>()), (3, 3, 6), "09 of yesterday, 08 of today");
        assert_eq!(stats.by_hour[23].hour, NOW);
    }
}
