//! What clicks add up to: a minute's set, an hour's sixty sums, a day's twenty-four, a month's days.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use datasketches::hll::{HllSketch, HllType, HllUnion};
use serde::{Deserialize, Serialize};

use super::Device;
use super::click::{Unpacked, unpack};

/// Names kept of each kind, the largest ones; the rest count as `other`. They bound the items to the 400 KB that one
/// may have: an hour holds sixty minutes, a day twenty-four hours of up to three shards.
const MOST_COUNTRIES: usize = 100;
const MOST_REFERRERS_OF_A_MINUTE: usize = 20;
const MOST_REFERRERS: usize = 40;
/// Where the other names are counted.
const OTHER: &str = "other";
/// 2^9 registers: visitors of a day are estimated within about ±5 %, in at most 300 bytes.
const SKETCH_LG_K: u8 = 9;

/// A sum of clicks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// All clicks, those of bots too.
    pub clicks: u64,
    /// People's clicks by country.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub countries: BTreeMap<String, u64>,
    /// All clicks by class of device, bots among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub devices: BTreeMap<String, u64>,
    /// People's clicks by browser.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub browsers: BTreeMap<String, u64>,
    /// People's clicks by operating system.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub systems: BTreeMap<String, u64>,
    /// People's clicks by the place of the redirect rule that decided.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, u64>,
    /// People's clicks by hour (`05`), in the sum of a day.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hours: BTreeMap<String, u64>,
    /// People's clicks by host of the referring page.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub referrers: BTreeMap<String, u64>,
    /// A HyperLogLog sketch of the visitors (base64): sketches unite, numbers of visitors do not add up.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub visitors: String,
}

impl Counts {
    /// The sum of a set of packed clicks.
    pub fn of_packed<B: AsRef<[u8]>>(members: impl IntoIterator<Item = B>) -> Self {
        let mut counts = Self::default();
        let mut sketch = HllSketch::new(SKETCH_LG_K, HllType::Hll4).ok();
        for member in members {
            counts.clicks += 1;
            let Some(click) = unpack(member.as_ref()) else { continue };
            let Unpacked { visitor, country, device, browser, os, rule, referrer } = click;
            add(&mut counts.devices, device.name(), 1);
            if device == Device::Bot {
                continue; // told apart: a link preview is no visitor of any country
            }
            add(&mut counts.countries, country.as_deref().unwrap_or("unknown"), 1);
            add(&mut counts.browsers, browser.name(), 1);
            add(&mut counts.systems, os.name(), 1);
            if let Some(rule) = rule {
                add(&mut counts.rules, &rule.to_string(), 1);
            }
            add(&mut counts.referrers, referrer.as_deref().unwrap_or("direct"), 1);
            if let Some(sketch) = &mut sketch {
                sketch.update(visitor);
            }
        }
        bound(&mut counts.countries, MOST_COUNTRIES);
        bound(&mut counts.referrers, MOST_REFERRERS_OF_A_MINUTE);
        counts.visitors = sketch.map(|sketch| STANDARD_NO_PAD.encode(sketch.serialize())).unwrap_or_default();
        counts
    }

    /// The sum of sums.
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut total = Self::default();
        let mut union = HllUnion::new(SKETCH_LG_K).ok();
        for part in parts {
            total.clicks += part.clicks;
            for (into, from) in [
                (&mut total.countries, &part.countries),
                (&mut total.devices, &part.devices),
                (&mut total.browsers, &part.browsers),
                (&mut total.systems, &part.systems),
                (&mut total.rules, &part.rules),
                (&mut total.hours, &part.hours),
                (&mut total.referrers, &part.referrers),
            ] {
                from.iter().for_each(|(name, clicks)| add(into, name, *clicks));
            }
            if let (Some(union), Some(sketch)) = (&mut union, part.sketch()) {
                union.update(&sketch);
            }
        }
        bound(&mut total.countries, MOST_COUNTRIES);
        bound(&mut total.referrers, MOST_REFERRERS);
        let sketch = union.map(|union| union.to_sketch(HllType::Hll4)).filter(|sketch| !sketch.is_empty());
        total.visitors = sketch.map(|sketch| STANDARD_NO_PAD.encode(sketch.serialize())).unwrap_or_default();
        total
    }

    /// The clicks of bots.
    pub fn bots(&self) -> u64 {
        self.devices.get(Device::Bot.name()).copied().unwrap_or_default()
    }

    /// The clicks of people.
    pub fn people(&self) -> u64 {
        self.clicks - self.bots()
    }

    /// About how many visitors: exact up to a few dozen, then within about ±5 %.
    pub fn visitor_count(&self) -> u64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an estimate of a count: small and positive
        self.sketch().map_or(0, |sketch| sketch.estimate().round() as u64)
    }

    fn sketch(&self) -> Option<HllSketch> {
        HllSketch::deserialize(&STANDARD_NO_PAD.decode(&self.visitors).ok().filter(|bytes| !bytes.is_empty())?).ok()
    }
}

fn add(into: &mut BTreeMap<String, u64>, name: &str, clicks: u64) {
    *into.entry(name.to_owned()).or_default() += clicks;
}

/// Keeps the `most` largest names and counts the rest as [`OTHER`].
fn bound(names: &mut BTreeMap<String, u64>, most: usize) {
    if names.len() <= most {
        return;
    }
    let mut by_size: Vec<(String, u64)> = std::mem::take(names).into_iter().collect();
    by_size.sort_by_key(|(name, clicks)| (name == OTHER, std::cmp::Reverse(*clicks)));
    let rest: u64 = by_size.split_off(most).iter().map(|(_, clicks)| clicks).sum();
    names.extend(by_size);
    add(names, OTHER, rest);
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use proptest::prelude::*;

    use super::super::Click;
    use super::super::click::tests::clicks;
    use super::*;

    /// The store in small: sets by minute, sums by hour and day, each level overwriting its slot in the next.
    fn aggregate(deliveries: &[Click]) -> Counts {
        let mut minutes: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
        let mut hours: BTreeMap<String, BTreeMap<String, Counts>> = BTreeMap::new();
        for click in deliveries {
            let (hour, minute) = (click.at.hour(), click.at.minute());
            let set = minutes.entry(minute.clone()).or_default();
            set.insert(click.pack());
            hours.entry(hour).or_default().insert(minute, Counts::of_packed(&*set));
        }
        let days: Vec<Counts> = hours.values().map(|minutes| Counts::sum(minutes.values())).collect();
        Counts::sum(&days)
    }

    fn plain(clicks: &[&Click], name: &dyn Fn(&Click) -> String) -> BTreeMap<String, u64> {
        let mut map = BTreeMap::new();
        clicks.iter().for_each(|click| *map.entry(name(click)).or_default() += 1);
        map
    }

    proptest! {
        #[test]
        fn aggregation_equals_a_plain_count_under_duplicates_and_reordering(
            sent in proptest::collection::vec(clicks(), 0..60),
            picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..60),
            seed in any::<u64>(),
        ) {
            let mut deliveries = sent.clone();
            if !sent.is_empty() {
                deliveries.extend(picks.iter().map(|pick| sent[pick.index(sent.len())].clone()));
            }
            let mut state = seed;
            deliveries.sort_by_cached_key(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state >> 20
            });
            let unique: HashSet<[u8; 8]> = sent.iter().map(|click| click.id).collect();
            prop_assume!(unique.len() == sent.len());
            let counts = aggregate(&deliveries);
            prop_assert_eq!(counts.clicks, sent.len() as u64);
            let all: Vec<&Click> = sent.iter().collect();
            prop_assert_eq!(&counts.devices, &plain(&all, &|click| click.device.name().to_owned()));
            let people: Vec<&Click> = sent.iter().filter(|click| click.device != Device::Bot).collect();
            prop_assert_eq!(counts.people(), people.len() as u64);
            let country = |click: &Click| click.country.clone().unwrap_or("unknown".to_owned());
            prop_assert_eq!(&counts.countries, &plain(&people, &country));
            prop_assert_eq!(&counts.browsers, &plain(&people, &|click| click.browser.name().to_owned()));
            prop_assert_eq!(&counts.systems, &plain(&people, &|click| click.os.name().to_owned()));
            let referrer = |click: &Click| click.referrer.clone().unwrap_or("direct".to_owned());
            prop_assert_eq!(&counts.referrers, &plain(&people, &referrer));
            let visitors: HashSet<[u8; 8]> = people.iter().map(|click| click.visitor).collect();
            prop_assert_eq!(counts.visitor_count(), visitors.len() as u64);
        }
    }

    #[test]
    fn names_are_bounded_the_largest_stay_and_no_click_is_lost() {
        let marks = |n: u32| [0x81, (n % 8) as u8, (n % 6) as u8, (n % 20) as u8];
        let packed = |host: u32, id: u32| {
            let mut bytes = [id.to_be_bytes(), [0; 4], [0; 4], [0; 4]].concat();
            bytes.extend(b"--");
            bytes.extend(marks(id));
            bytes.extend(format!("host{host:060}").as_bytes());
            bytes
        };
        let forged = (0..300).map(|n| packed(n, n)).chain((1000..1005).map(|id| packed(7, id)));
        let minute = Counts::of_packed(forged);
        assert_eq!(minute.referrers.len(), MOST_REFERRERS_OF_A_MINUTE + 1);
        assert_eq!((minute.clicks, minute.referrers.values().sum::<u64>()), (305, 305));
        assert_eq!(minute.referrers[&format!("host{:060}", 7)], 6);
        let stored = serde_json::to_string(&minute).unwrap().len();
        assert!(60 * stored < 200_000, "an hour of such minutes is {} bytes", 60 * stored);
        let others = (0..100_u32).map(|n| {
            let mut bytes = n.to_be_bytes().repeat(4);
            bytes.extend([b'A' + (n % 26) as u8, b'A' + (n / 26) as u8]);
            bytes.extend(marks(n));
            bytes.extend(format!("other{n:059}").as_bytes());
            bytes
        });
        let worst = Counts::sum(&[minute.clone(), Counts::of_packed(others)]);
        let stored = serde_json::to_string(&worst).unwrap().len();
        assert!(24 * 3 * stored < 390_000, "a day of three shards is {} bytes", 24 * 3 * stored);
        let hour = Counts::sum(std::iter::repeat_n(&minute, 60));
        assert_eq!(hour.referrers.values().sum::<u64>(), 60 * 305);
    }
}
