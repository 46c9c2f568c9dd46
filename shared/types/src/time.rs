//! Points in time. Milliseconds since the Unix epoch inside, RFC 3339 in UTC outside.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, to the millisecond, between the years 1 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// A calendar day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// The text is not a date and time of RFC 3339 with an offset, within the years 1 to 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 date and time such as 2026-11-21T10:00:00Z")]
pub struct BadTime;

impl Instant {
    /// 0001-01-01T00:00:00Z, the first that RFC 3339 can write, to 9999-12-30T22:00:00Z, the last that jiff holds.
    const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_207_200_000;

    /// `millis` after the Unix epoch, clamped to the years 1 to 9999.
    pub const fn from_millis(millis: i64) -> Self {
        let (low, high) = (*Self::RANGE.start(), *Self::RANGE.end());
        Self(if millis < low {
            low
        } else if millis > high {
            high
        } else {
            millis
        })
    }

    /// `seconds` after the Unix epoch, clamped likewise.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Text that sorts as the instant does (after 1970), for keys.
    pub fn sortable(self) -> String {
        format!("{:015}", self.0)
    }

    /// The time left until `later`; zero when it has passed.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// The day this falls on, in UTC.
    pub fn day(self) -> Day {
        Day(self.timestamp().to_zoned(TimeZone::UTC).date())
    }

    /// The start of the minute, as `2026-11-21T10:05`.
    pub fn minute(self) -> String {
        self.timestamp().strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// The start of the hour, as `2026-11-21T10`.
    pub fn hour(self) -> String {
        self.timestamp().strftime("%Y-%m-%dT%H").to_string()
    }

    #[allow(clippy::unwrap_used)] // every constructor clamps to jiff's range
    fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap()
    }
}

impl Day {
    /// The day `days` before this one.
    pub fn back(self, days: u16) -> Self {
        Self(self.0.saturating_sub(jiff::Span::new().days(i64::from(days))))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

impl FromStr for Instant {
    type Err = BadTime;
    fn from_str(text: &str) -> Result<Self, BadTime> {
        let timestamp: Timestamp = text.parse().map_err(|_| BadTime)?;
        Some(timestamp.as_millisecond()).filter(|millis| Self::RANGE.contains(millis)).map(Self).ok_or(BadTime)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Instant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

/// `#[serde(with = "types::time::millis")]`: an instant as a number, for items (they compare as numbers in conditions).
pub mod millis {
    use super::{Deserialize, Deserializer, Instant, Serializer};

    #[allow(missing_docs)]
    pub fn serialize<S: Serializer>(instant: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(instant.millis())
    }

    #[allow(missing_docs)]
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        i64::deserialize(deserializer).map(Instant::from_millis)
    }
}

/// The same for `Option<Instant>`; pair it with `default` and `skip_serializing_if`.
pub mod opt_millis {
    use super::{Deserialize, Deserializer, Instant, Serialize, Serializer};

    #[allow(missing_docs)]
    pub fn serialize<S: Serializer>(instant: &Option<Instant>, serializer: S) -> Result<S::Ok, S::Error> {
        instant.map(Instant::millis).serialize(serializer)
    }

    #[allow(missing_docs)]
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Instant>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Instant::from_millis))
    }
}

/// Where the time comes from: the system, or a test's hand.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it. Clones move together.
    pub fn stopped(start: Instant) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.millis()))))
    }

    /// The current time.
    #[allow(clippy::disallowed_methods)] // the one reader of the system's clock
    pub fn now(&self) -> Instant {
        match &self.0 {
            Some(millis) => Instant::from_millis(millis.load(Ordering::SeqCst)),
            None => Instant::from_millis(Timestamp::now().as_millisecond()),
        }
    }

    /// Moves a stopped clock forward; the system's clock is nobody's to move.
    pub fn advance(&self, span: Duration) {
        if let Some(millis) = &self.0 {
            millis.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_forms() -> Result<(), BadTime> {
        let instant: Instant = "2026-11-21T10:05:09.250+02:00".parse()?;
        assert_eq!(instant.to_string(), "2026-11-21T08:05:09.25Z");
        assert_eq!((instant.minute(), instant.hour()), ("2026-11-21T08:05".into(), "2026-11-21T08".into()));
        assert_eq!(
            (instant.day().to_string(), instant.day().back(30).to_string()),
            ("2026-11-21".into(), "2026-10-22".into())
        );
        assert_eq!("yesterday".parse::<Instant>(), Err(BadTime));
        Ok(())
    }

    proptest! {
        #[test]
        fn every_instant_survives_its_text(millis in any::<i64>()) {
            let instant = Instant::from_millis(millis);
            prop_assert_eq!(instant.to_string().parse::<Instant>(), Ok(instant));
        }

        #[test]
        fn time_never_overflows(millis in any::<i64>(), seconds in any::<u64>()) {
            let instant = Instant::from_millis(millis);
            prop_assert!(instant + Duration::from_secs(seconds) >= instant);
            prop_assert!(instant - Duration::from_secs(seconds) <= instant);
        }
    }
}
