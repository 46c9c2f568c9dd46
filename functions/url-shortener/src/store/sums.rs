//! Sums of clicks: a minute's set into its hour, an hour into its day, a day into its month.

use std::collections::BTreeMap;

use dynamo::{Attributes, from_attributes};
use serde::Deserialize;
use types::{Fault, Instant};

use super::keys;
use crate::domain::Counts;

/// A place in a sum of the next level.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    pub(super) sort_key: String,
    pub(super) slot: String,
    pub(super) at: Instant,
}

/// What a changed minute, hour or day means for the level above: where its sum goes, and the sum.
///
/// # Errors
/// When the item is none of ours.
pub fn rolled_up(item: Attributes) -> Result<Option<(String, Slot, Counts)>, Fault> {
    let (pk, sk) = (text(&item, "pk"), sort_key(&item));
    let broken = || Fault::permanent(format!("{sk} is no minute, hour or day"));
    let (time, shard) = sk.split_once('/').map_or((sk.as_str(), String::new()), |(time, n)| (time, format!("/{n}")));
    if let Some(minute) = time.strip_prefix(keys::MINUTE) {
        let (hour, slot) = minute.rsplit_once(':').ok_or_else(broken)?;
        let at = format!("{hour}:00:00Z").parse().map_err(|_| broken())?;
        let clicks = item.get("clicks").and_then(|clicks| clicks.as_bs().ok()).ok_or_else(broken)?;
        let slot = Slot { sort_key: format!("{}{hour}{shard}", keys::HOUR), slot: format!("m{slot}"), at };
        return Ok(Some((pk, slot, Counts::of_packed(clicks))));
    }
    let (place, level) = if let Some(hour) = time.strip_prefix(keys::HOUR) {
        (hour.rsplit_once('T'), (keys::DAY, 'h', format!("{hour}:00:00Z")))
    } else if let Some(day) = time.strip_prefix(keys::DAY) {
        (day.rsplit_once('-'), (keys::MONTH, 'd', format!("{day}T00:00:00Z")))
    } else {
        return Ok(None);
    };
    let ((above, slot), (prefix, letter, at)) = (place.ok_or_else(broken)?, level);
    let at = at.parse().map_err(|_| broken())?;
    let slot = Slot { sort_key: format!("{prefix}{above}"), slot: format!("{letter}{slot}{shard}"), at };
    let slots = slots(item)?;
    let mut sum = Counts::sum(slots.values());
    if letter == 'd' {
        for (name, hour) in &slots {
            // `h10`, `h10/2`
            let name = name.trim_start_matches('h').split('/').next().unwrap_or_default();
            *sum.hours.entry(name.to_owned()).or_default() += hour.people();
        }
    }
    Ok(Some((pk, slot, sum)))
}

/// A month's sums by date.
pub(super) fn days_of(month: Attributes) -> Result<BTreeMap<String, Counts>, Fault> {
    let name = sort_key(&month).trim_start_matches(keys::MONTH).to_owned();
    let slots = slots(month)?.into_iter();
    Ok(slots.map(|(slot, sum)| (format!("{name}-{}", slot.trim_start_matches('d')), sum)).collect())
}

/// A day's sums by hour, its shards together.
pub(super) fn hours_of(day: Attributes) -> Result<BTreeMap<String, Counts>, Fault> {
    let date = sort_key(&day).trim_start_matches(keys::DAY).to_owned();
    let mut hours: BTreeMap<String, Counts> = BTreeMap::new();
    for (slot, sum) in slots(day)? {
        let hour = slot.trim_start_matches('h').split('/').next().unwrap_or_default();
        let there = hours.entry(format!("{date}T{hour}")).or_default();
        *there = Counts::sum([&*there, &sum]);
    }
    Ok(hours)
}

/// The sums in an hour, a day or a month, by slot.
fn slots(item: Attributes) -> Result<BTreeMap<String, Counts>, Fault> {
    // `m05`, `h10`, `d21`, and `h10/2` for a shard; `m05_clicks` is the number that guards the slot.
    let is_slot = |name: &str| name.starts_with(['m', 'h', 'd']) && !name.ends_with("_clicks");
    let slots = item.into_iter().filter(|(name, _)| is_slot(name));
    slots.map(|(name, value)| Ok((name, from_attributes::<Holder>([("sum".to_owned(), value)].into())?.sum))).collect()
}

#[derive(Deserialize)]
struct Holder {
    sum: Counts,
}

fn text(item: &Attributes, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

pub(super) fn sort_key(item: &Attributes) -> String {
    text(item, "sk")
}
