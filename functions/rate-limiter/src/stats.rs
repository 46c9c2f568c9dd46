//! What was checked in the last hour. Each sandbox counts by itself and overwrites an item of its own, so nothing is
//! counted twice, whatever is sent again, and no item is written by all.
//!
//! The keys that ask most are kept in a sketch of bounded size (Apache DataSketches' frequent items): exact for fewer
//! than 48 keys, else too low by at most 3.5/64 of all keys that it saw (checks times dimensions).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use limiter::{Decision, Reason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::{Instant, random};

use crate::domain::PolicyName;
use crate::store::Store;

/// Length of a slot.
pub const SLOT_SECONDS: i64 = 300;
/// Keys that a sketch counts, roughly; a power of two.
const SKETCH_SIZE: usize = 64;
/// Keys that are told.
const TOP: usize = 10;
/// Longest key that is told whole, in bytes.
const MOST_KEY_BYTES: usize = 100;
/// Policies that a sandbox counts for at once.
const MOST_POLICIES: usize = 500;

/// What a sandbox counted in one slot of one policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// When it begins, in seconds since the epoch.
    pub start: i64,
    allowed: u64,
    denied: u64,
    shadow_denied: u64,
    unchecked: u64,
    /// Sketches of `dimension=key`, in base64: of all checks, and of those that were denied.
    asked: String,
    refused: String,
}

type Sketch = FrequentItemsSketch<String>;

struct Tally {
    slot: Slot,
    asked: Sketch,
    refused: Sketch,
    noted: u64,
    written: u64,
    written_at: Instant,
}

impl Tally {
    fn new(start: i64) -> Option<Self> {
        let sketch = || Sketch::new(SKETCH_SIZE).ok();
        let slot = Slot { start, ..Slot::default() };
        let written_at = Instant::from_millis(0);
        Some(Self { slot, asked: sketch()?, refused: sketch()?, noted: 0, written: 0, written_at })
    }

    fn note(&mut self, keys: &BTreeMap<String, String>, decision: &Decision) {
        let count = match decision.reason {
            Reason::Admitted | Reason::Refunded | Reason::Unlimited => &mut self.slot.allowed,
            Reason::Denied | Reason::Banned => &mut self.slot.denied,
            Reason::Shadow => &mut self.slot.shadow_denied,
            Reason::FailedOpen | Reason::FailedClosed => &mut self.slot.unchecked,
        };
        *count += 1;
        self.noted += 1;
        for (dimension, key) in keys {
            let cut = (0..=MOST_KEY_BYTES.min(key.len())).rev().find(|&at| key.is_char_boundary(at)).unwrap_or(0);
            let name = format!("{dimension}={}", &key[..cut]);
            if matches!(decision.reason, Reason::Denied | Reason::Banned | Reason::Shadow) {
                self.refused.update(name.clone());
            }
            self.asked.update(name);
        }
    }

    fn slot(&self) -> Slot {
        let (asked, refused) = (STANDARD.encode(self.asked.serialize()), STANDARD.encode(self.refused.serialize()));
        Slot { asked, refused, ..self.slot.clone() }
    }
}

/// What this sandbox counts.
pub struct Stats {
    sandbox: String,
    every: Duration,
    tallies: Mutex<BTreeMap<(String, String, i64), Tally>>,
}

impl Stats {
    /// Counts, and writes what was counted at most once in `every` for each policy.
    pub fn new(every: Duration) -> Self {
        Self { sandbox: random::base62(8), every, tallies: Mutex::default() }
    }

    /// Counts a decision.
    pub fn note(&self, name: &PolicyName, keys: &BTreeMap<String, String>, decision: &Decision, now: Instant) {
        let start = now.seconds().div_euclid(SLOT_SECONDS) * SLOT_SECONDS;
        let place = (name.space.to_string(), name.id.clone(), start);
        let mut tallies = self.tallies();
        if tallies.len() >= MOST_POLICIES && !tallies.contains_key(&place) {
            aws::count("checks_uncounted", 1.0);
            return;
        }
        if !tallies.contains_key(&place)
            && let Some(tally) = Tally::new(start)
        {
            tallies.insert(place.clone(), tally);
        }
        if let Some(tally) = tallies.get_mut(&place) {
            tally.note(keys, decision);
        }
    }

    /// Writes what was counted and is due. What cannot be written now is written later.
    pub async fn write_due(&self, store: &Store, now: Instant) {
        let current = now.seconds().div_euclid(SLOT_SECONDS) * SLOT_SECONDS;
        let due: Vec<_> = {
            let mut tallies = self.tallies();
            tallies.retain(|(.., start), tally| *start >= current || tally.written < tally.noted);
            let due = tallies.iter().filter(|((.., start), tally)| {
                tally.written < tally.noted && (*start < current || now >= tally.written_at + self.every)
            });
            due.map(|(place, tally)| (place.clone(), tally.slot(), tally.noted)).collect()
        };
        for (place, slot, noted) in due {
            let (space, id, _) = &place;
            match store.note(space, id, &self.sandbox, &slot).await {
                Ok(()) => {
                    if let Some(tally) = self.tallies().get_mut(&place) {
                        (tally.written, tally.written_at) = (noted, now);
                    }
                }
                Err(fault) => tracing::warn!(fault = fault.chain(), "statistics were not written"),
            }
        }
    }

    fn tallies(&self) -> MutexGuard<'_, BTreeMap<(String, String, i64), Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was checked against a policy in the last hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Total {
    /// From when on is counted: slots of five minutes, so up to five more than an hour.
    since: Instant,
    /// Checks that were let through.
    allowed: u64,
    /// Checks that were refused.
    denied: u64,
    /// Checks that a policy in shadow would have refused.
    shadow_denied: u64,
    /// Checks that the table did not answer in time.
    unchecked: u64,
    /// The same by slot, oldest first, without those in which nothing was checked.
    slots: Vec<SlotView>,
    /// The keys that asked most.
    top_keys: Vec<KeyCount>,
}

/// Five minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SlotView {
    /// When they begin.
    at: Instant,
    /// Checks that were let through.
    allowed: u64,
    /// Checks that were refused.
    denied: u64,
}

/// How often a key asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KeyCount {
    /// Of which dimension it is.
    dimension: String,
    /// The key, up to 100 bytes of it.
    key: String,
    /// Checks.
    checks: u64,
    /// Checks that were refused.
    denied: u64,
}

impl Total {
    /// The sum of what all sandboxes counted.
    pub fn of(slots: &[Slot], now: Instant) -> Self {
        let since = (now.seconds() - 3600).div_euclid(SLOT_SECONDS) * SLOT_SECONDS;
        let sum = |of: fn(&Slot) -> u64| slots.iter().map(of).sum();
        let mut by_slot: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        for slot in slots {
            let (allowed, denied) = by_slot.entry(slot.start).or_default();
            *allowed += slot.allowed + slot.shadow_denied;
            *denied += slot.denied;
        }
        let at = Instant::from_seconds;
        let view = |(start, (allowed, denied))| SlotView { at: at(start), allowed, denied };
        let (asked, refused) = (merged(slots, |slot| &slot.asked), merged(slots, |slot| &slot.refused));
        let top = asked.iter().flat_map(|sketch| sketch.frequent_items(ErrorType::NoFalseNegatives));
        let count = |row: datasketches::frequencies::Row<String>| {
            let (dimension, key) = row.item().split_once('=')?;
            let denied = refused.as_ref().map_or(0, |sketch| sketch.lower_bound(row.item()));
            Some(KeyCount { dimension: dimension.to_owned(), key: key.to_owned(), checks: row.lower_bound(), denied })
        };
        let mut top_keys: Vec<KeyCount> = top.filter_map(count).collect();
        top_keys.sort_by(|one, other| (other.checks, &one.key).cmp(&(one.checks, &other.key)));
        top_keys.truncate(TOP);
        Self {
            since: at(since),
            allowed: sum(|slot| slot.allowed),
            denied: sum(|slot| slot.denied),
            shadow_denied: sum(|slot| slot.shadow_denied),
            unchecked: sum(|slot| slot.unchecked),
            slots: by_slot.into_iter().map(view).collect(),
            top_keys,
        }
    }
}

/// All sketches together; what cannot be read (of another version) is left out.
fn merged(slots: &[Slot], of: fn(&Slot) -> &String) -> Option<Sketch> {
    let mut all = Sketch::new(SKETCH_SIZE).ok()?;
    for slot in slots {
        let sketch = STANDARD.decode(of(slot)).ok().and_then(|bytes| Sketch::deserialize(&bytes).ok());
        if let Some(sketch) = sketch {
            all.merge(&sketch);
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use limiter::Space;

    #[test]
    fn sandboxes_add_up_and_the_busiest_keys_come_first() {
        let now = Instant::from_seconds(1_800_000_000);
        let name = PolicyName { space: Space::Tenant("alice".into()), id: "api".into() };
        let mut slots = Vec::new();
        for sandbox in 0..3_u64 {
            let stats = Stats::new(Duration::ZERO);
            for user in 0..5_u64 {
                let keys = [("user".to_owned(), format!("u{user}"))].into();
                for turn in 0..=user {
                    let reason = if turn < 2 { Reason::Admitted } else { Reason::Denied };
                    let decision = Decision { allowed: turn < 2, reason, parts: vec![], wait: Duration::ZERO };
                    stats.note(&name, &keys, &decision, now + Duration::from_secs(300 * sandbox));
                }
            }
            slots.extend(stats.tallies().values().map(Tally::slot));
        }
        let total = Total::of(&slots, now + Duration::from_secs(600));
        assert_eq!((total.allowed, total.denied, total.slots.len()), (27, 18, 3));
        let top: Vec<_> = total.top_keys.iter().map(|it| (it.key.as_str(), it.checks, it.denied)).collect();
        assert_eq!(top, [("u4", 15, 9), ("u3", 12, 6), ("u2", 9, 3), ("u1", 6, 0), ("u0", 3, 0)]);
    }
}
