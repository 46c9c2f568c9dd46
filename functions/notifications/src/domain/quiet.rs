//! Quiet hours and local times, as the wall clock of the user's zone shows them (guides 000 Q13, 003 §4, 004 CS3).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use types::Instant;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// The zones in the binary: the same everywhere, with neither environment nor files.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The name of a time zone of the IANA database, in its own case: `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Zone(String);

/// A time on the wall clock, to the minute, 00:00 to 23:59.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

/// A time of each day in which nothing interrupts: from `start` until just before `end`, overnight where that is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct QuietHours {
    start: TimeOfDay,
    end: TimeOfDay,
}

/// Why a time, a zone or a window is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum BadQuiet {
    #[error("expected the name of a time zone of the IANA database, such as Europe/Berlin")]
    Zone,
    #[error("expected a time of day such as 22:00, to 23:59")]
    Time,
    #[error("quiet hours that end when they start are either none or always: leave them out, or switch channels off")]
    Window,
}

impl Zone {
    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }

    /// The zone's name.
    pub fn name(&self) -> &str {
        &self.0
    }

    fn rules(&self) -> TimeZone {
        // The name was found when this was made.
        ZONES.get(&self.0).unwrap_or(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = BadQuiet;
    fn from_str(text: &str) -> Result<Self, BadQuiet> {
        let rules = ZONES.get(text).ok().filter(|rules| !rules.is_unknown()).ok_or(BadQuiet::Zone)?;
        rules.iana_name().map(|name| Self(name.to_owned())).ok_or(BadQuiet::Zone)
    }
}

impl TryFrom<String> for Zone {
    type Error = BadQuiet;
    fn try_from(text: String) -> Result<Self, BadQuiet> {
        text.parse()
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "A zone of the IANA database.", "examples": ["Europe/Berlin"]})
    }
}

impl TimeOfDay {
    /// Minutes since midnight, 0 to 1439.
    pub const fn minutes(self) -> u16 {
        self.0
    }

    fn millis(self) -> i64 {
        i64::from(self.0) * MINUTE
    }

    fn civil(self) -> Time {
        let part = |value: u16| i8::try_from(value).unwrap_or_default();
        Time::new(part(self.0 / 60), part(self.0 % 60), 0, 0).unwrap_or_default()
    }
}

impl FromStr for TimeOfDay {
    type Err = BadQuiet;
    fn from_str(text: &str) -> Result<Self, BadQuiet> {
        let two = |part: &str, below: u16| match part.as_bytes() {
            [a, b] if a.is_ascii_digit() && b.is_ascii_digit() => {
                part.parse::<u16>().ok().filter(|value| *value < below)
            }
            _ => None,
        };
        let (hour, minute) = text.split_once(':').ok_or(BadQuiet::Time)?;
        two(hour, 24).zip(two(minute, 60)).map(|(hour, minute)| Self(hour * 60 + minute)).ok_or(BadQuiet::Time)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = BadQuiet;
    fn try_from(text: String) -> Result<Self, BadQuiet> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl JsonSchema for TimeOfDay {
    fn schema_name() -> Cow<'static, str> {
        "TimeOfDay".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["22:00"]})
    }
}

impl QuietHours {
    /// From `start` until just before `end`.
    ///
    /// # Errors
    /// [`BadQuiet::Window`] where they are the same.
    pub fn new(start: TimeOfDay, end: TimeOfDay) -> Result<Self, BadQuiet> {
        if start == end { Err(BadQuiet::Window) } else { Ok(Self { start, end }) }
    }

    /// When the quiet ends in which `now` is; none where it is in none.
    ///
    /// The wall clock decides alone: a clock put forward past `end` ends the quiet, one put back into it prolongs it.
    pub fn ends(&self, zone: &Zone, now: Instant) -> Option<Instant> {
        let rules = zone.rules();
        let mut from = now;
        let mut wall = wall(&rules, from);
        if !self.contains(wall) {
            return None;
        }
        // Between two transitions the wall clock runs as time does, so that the end is a subtraction away.
        loop {
            let end = Instant::from_millis(from.millis() + (self.end.millis() - wall).rem_euclid(DAY));
            match transition(&rules, from).filter(|&at| at <= end && at > from) {
                None => return Some(end),
                Some(at) => (from, wall) = (at, self::wall(&rules, at)),
            }
            if !self.contains(wall) {
                return Some(from);
            }
        }
    }

    fn contains(&self, wall: i64) -> bool {
        let (start, end) = (self.start.millis(), self.end.millis());
        if start < end { (start..end).contains(&wall) } else { wall >= start || wall < end }
    }
}

impl<'de> Deserialize<'de> for QuietHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Window {
            start: TimeOfDay,
            end: TimeOfDay,
        }
        let window = Window::deserialize(deserializer)?;
        Self::new(window.start, window.end).map_err(serde::de::Error::custom)
    }
}

/// The next instant after `after` at which the zone's clock shows `time`, on `weekday` (1 is Monday; none is any day).
///
/// Once a day: where the clock shows it twice, the first; where it skips it, the first instant after the gap.
pub fn next_local(time: TimeOfDay, zone: &Zone, after: Instant, weekday: Option<u8>) -> Instant {
    let rules = zone.rules();
    let wanted =
        |day: &Date| weekday.is_none_or(|number| i8::try_from(number) == Ok(day.weekday().to_monday_one_offset()));
    // Two weeks and a day: a zone may skip the one weekday that is asked for, as Samoa did a Friday.
    let days = timestamp(after).to_zoned(rules.clone()).date().series(1.day()).take(16).filter(wanted);
    let next = days.filter_map(|day| on(&rules, day, time.civil())).find(|&at| at > after);
    next.unwrap_or(Instant::from_millis(i64::MAX))
}

/// When the clock shows `time` on `day`; none on a day that the zone leaves out.
fn on(rules: &TimeZone, day: Date, time: Time) -> Option<Instant> {
    let wall = day.to_datetime(time);
    let offset = match rules.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => offset,
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset of after the gap, a time inside it lies before it.
            let at = transition(rules, instant(after.to_timestamp(wall).ok()?))?;
            let date = |millis| timestamp(Instant::from_millis(millis)).to_zoned(rules.clone()).date();
            return (date(at.millis()) == day || date(at.millis() - 1) == day).then_some(at);
        }
    };
    offset.to_timestamp(wall).ok().map(instant)
}

/// What the wall clock shows, in milliseconds since its midnight.
fn wall(rules: &TimeZone, at: Instant) -> i64 {
    (at.millis() + i64::from(rules.to_offset(timestamp(at)).seconds()) * 1000).rem_euclid(DAY)
}

fn transition(rules: &TimeZone, after: Instant) -> Option<Instant> {
    rules.following(timestamp(after)).next().map(|next| instant(next.timestamp()))
}

fn instant(timestamp: Timestamp) -> Instant {
    Instant::from_millis(timestamp.as_millisecond())
}

fn timestamp(at: Instant) -> Timestamp {
    // An instant is clamped to what jiff holds.
    Timestamp::from_millisecond(at.millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
