//! Clicks: in by the minute, up by sums, out as statistics.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dynamo::{Key, UpdateExpression, Value, from_attributes, lt, missing};
use types::{Fault, Instant};

use super::sums::{Slot, days_of, hours_of, sort_key};
use super::{Store, keys};
use crate::domain::{Click, Code, Counts, Link};

/// How long minutes, hours and days are kept: longer than a click waits in a queue, so that a late one is recognised.
const PARTS_KEPT: Duration = Duration::from_secs(16 * 24 * 3600);
/// How long months are kept (guide 000: 10 years).
const MONTHS_KEPT: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Most months of a link, with the link itself: its statistics are read with one query.
const MOST_MONTHS: usize = 200;

impl Store {
    /// A link and the sums of its days: one query, since `LINK` and `MONTH#…` are neighbours in the partition. Strongly
    /// consistent, so that one sees the link that one made.
    ///
    /// # Errors
    /// Our failure.
    pub async fn stats(&self, code: &Code) -> Result<Option<(Link, BTreeMap<String, Counts>)>, Fault> {
        let query = self.table.query(keys::partition(code)).between(keys::LINK, keys::MONTHS_END).strong();
        let mut items = query.all(MOST_MONTHS).await?.into_iter();
        let Some(link) = items.next().filter(|first| sort_key(first) == keys::LINK) else { return Ok(None) };
        let link: Link = from_attributes(link)?;
        let claimed = link.created_at.day().to_string(); // days before are of an earlier, forgotten link
        let mut days = BTreeMap::new();
        for month in items {
            days.extend(days_of(month)?.into_iter().filter(|(date, _)| *date >= claimed));
        }
        Ok(Some((link, days)))
    }

    /// The sums of the days of visits to no link: one query.
    ///
    /// # Errors
    /// Our failure.
    pub async fn orphans(&self, code: &Code) -> Result<BTreeMap<String, Counts>, Fault> {
        let query = self.table.query(keys::partition(code)).between(keys::MONTH, keys::MONTHS_END);
        let mut days = BTreeMap::new();
        for month in query.all(MOST_MONTHS).await? {
            days.extend(days_of(month)?);
        }
        Ok(days)
    }

    /// The sums of the 24 hours before `now`, by `2026-11-21T10`: one query.
    ///
    /// # Errors
    /// Our failure.
    pub async fn last_hours(&self, code: &Code, now: Instant) -> Result<BTreeMap<String, Counts>, Fault> {
        let first = (now - Duration::from_secs(23 * 3600)).hour();
        let (low, high) = (now.day().back(1), now.day());
        let query = self.table.query(keys::partition(code));
        let days = query.between(format!("{}{low}", keys::DAY), format!("{}{high}~", keys::DAY)).all(2).await?;
        let mut hours = BTreeMap::new();
        for day in days {
            hours.extend(hours_of(day)?.into_iter().filter(|(hour, _)| *hour >= first));
        }
        Ok(hours)
    }

    /// Unites clicks of one code, minute and shard with what is there: one write, and the same whether a click comes
    /// once or often.
    ///
    /// # Errors
    /// Our failure.
    pub async fn record_clicks(&self, code: &Code, minute: Instant, shard: u8, clicks: &[&Click]) -> Result<(), Fault> {
        // A batch may hold a click twice; DynamoDB refuses a set that does.
        let packed: BTreeSet<Vec<u8>> = clicks.iter().map(|click| click.pack()).collect();
        let Some(members) = Value::binary_set(packed) else { return Ok(()) };
        let expression =
            UpdateExpression::new().add("clicks", members).set("purge_at", (minute + PARTS_KEPT).seconds());
        self.table.update(keys::minute(code, minute, shard)).apply(expression).send().await
    }

    /// Overwrites one slot of an hour, a day or a month with a fuller sum: one write. Sums of sets that only grow are
    /// ordered by their clicks, so a stale one is refused and a repeated one changes nothing.
    ///
    /// # Errors
    /// Our failure.
    pub async fn roll_up(&self, partition: &str, into: &Slot, counts: &Counts) -> Result<(), Fault> {
        let size = format!("{}_clicks", into.slot);
        let kept = if into.sort_key.starts_with(keys::MONTH) { MONTHS_KEPT } else { PARTS_KEPT };
        let fuller = missing(size.as_str()).or(lt(size.as_str(), counts.clicks));
        let expression = UpdateExpression::new()
            .set(into.slot.as_str(), Value::of(counts)?)
            .set(size, counts.clicks)
            .set("purge_at", (into.at + kept).seconds())
            .when(fuller);
        let update = self.table.update(Key::new(partition, into.sort_key.as_str())).apply(expression);
        let stale: Result<serde::de::IgnoredAny, ()> = update.send_or(|_: Option<serde::de::IgnoredAny>| ()).await?;
        if stale.is_err() {
            aws::count("stale_sums", 1.0);
        }
        Ok(())
    }
}
