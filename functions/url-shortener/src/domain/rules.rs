//! Redirect rules: where a link leads instead, for some visitors. The first that fits decides.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Instant;

use super::{Device, LinkError, Target};

/// Most rules of a link …
const MOST_RULES: usize = 20;
/// … names in one condition …
const MOST_NAMES: usize = 50;
/// … and characters of a query parameter's name or value.
const MOST_CHARACTERS: usize = 100;

/// A rule of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Whom it is for.
    pub when: When,
    /// Where it leads them.
    pub url: Target,
}

/// Conditions; all that are given must hold. A rule without any is for everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// One of these classes of device.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device: Vec<Device>,
    /// The browser accepts one of these languages (BCP 47): `de` fits `de-AT`, not the other way round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub language: Vec<String>,
    /// One of these countries (ISO 3166-1 alpha-2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub country: Vec<String>,
    /// From then on …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Instant>,
    /// … and until just before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Instant>,
    /// The short URL's query has these parameters, with this value, or with any where it is null.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Option<String>>,
    /// This share of the visitors who come as far as this rule, 1 to 100. A visitor stays on one side for a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentage: Option<u8>,
}

/// What is known of a visit.
#[derive(Debug, Clone)]
pub struct Visit {
    /// When.
    pub at: Instant,
    /// Class of the device.
    pub device: Device,
    /// Languages that the browser accepts, in lower case.
    pub languages: Vec<String>,
    /// Country, where somebody says.
    pub country: Option<String>,
    /// The query of the short URL.
    pub query: Vec<(String, String)>,
    /// What follows the code in the path: `a/b`.
    pub path: String,
    /// Who, for one day.
    pub visitor: [u8; 8],
}

impl When {
    /// Holds the conditions to their bounds.
    ///
    /// # Errors
    /// [`LinkError::Rules`].
    fn check(&self) -> Result<(), LinkError> {
        let language = |text: &String| {
            let mut parts = text.split('-');
            let first = parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && alphabetic(part));
            first && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        };
        let country = |text: &String| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        let short = |text: &str| (1..=MOST_CHARACTERS).contains(&text.chars().count());
        let value = |value: &Option<String>| value.as_ref().is_none_or(|value| value.is_empty() || short(value));
        let bounded = [self.device.len(), self.language.len(), self.country.len(), self.query.len()];
        let fits = bounded.iter().all(|&names| names <= MOST_NAMES)
            && self.language.iter().all(language)
            && self.country.iter().all(country)
            && self.query.iter().all(|(name, text)| short(name) && value(text))
            && self.percentage.is_none_or(|share| (1..=100).contains(&share))
            && self.after.zip(self.before).is_none_or(|(after, before)| after < before);
        if fits { Ok(()) } else { Err(LinkError::Rules) }
    }

    /// About how many bytes its names take.
    pub fn bytes(&self) -> u64 {
        let names = self.language.iter().chain(&self.country).map(String::len).sum::<usize>();
        let query = self.query.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, String::len));
        (names + query.sum::<usize>()) as u64 + 24 * (self.language.len() + self.country.len()) as u64
    }

    fn holds(&self, visit: &Visit, place: usize) -> bool {
        let accepts = |wanted: &String| {
            let wanted = wanted.to_ascii_lowercase();
            let rest = |language: &String| language.strip_prefix(&wanted).map(str::to_owned);
            visit.languages.iter().filter_map(rest).any(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let has = |(name, wanted): (&String, &Option<String>)| {
            let fits = |value: &String| wanted.as_ref().is_none_or(|wanted| wanted == value);
            visit.query.iter().any(|(own, value)| own == name && fits(value))
        };
        (self.device.is_empty() || self.device.contains(&visit.device))
            && (self.language.is_empty() || self.language.iter().any(accepts))
            && (self.country.is_empty() || visit.country.as_ref().is_some_and(|own| self.country.contains(own)))
            && self.after.is_none_or(|after| after <= visit.at)
            && self.before.is_none_or(|before| visit.at < before)
            && self.query.iter().all(has)
            && self.percentage.is_none_or(|share| draw(visit.visitor, place) < share)
    }
}

fn alphabetic(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// A number from 0 to 99 that is a visitor's own for each place in the list: the visitor is a keyed hash already, and a
/// round of SplitMix64 makes the places independent of each other.
fn draw(visitor: [u8; 8], place: usize) -> u8 {
    let mut mixed = u64::from_be_bytes(visitor).wrapping_add((place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    u8::try_from((mixed ^ (mixed >> 31)) % 100).unwrap_or_default()
}

/// Holds a link's rules to their bounds.
///
/// # Errors
/// [`LinkError::Rules`].
pub(super) fn check(rules: &[Rule]) -> Result<(), LinkError> {
    if rules.len() > MOST_RULES {
        return Err(LinkError::Rules);
    }
    rules.iter().try_for_each(|rule| rule.when.check())
}

/// The first rule that fits, and its place.
pub(super) fn decide<'a>(rules: &'a [Rule], visit: &Visit) -> Option<(u8, &'a Rule)> {
    let (place, rule) = rules.iter().enumerate().find(|(place, rule)| rule.when.holds(visit, *place))?;
    Some((u8::try_from(place).ok()?, rule))
}

/// The languages of an `Accept-Language` header that are not refused (`q=0`), in lower case.
pub fn languages(header: &str) -> Vec<String> {
    let accepted = header.split(',').take(MOST_NAMES).filter_map(|part| {
        let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).is_some_and(|q: f32| q <= 0.0);
        let tag = tag.trim().to_ascii_lowercase();
        (!refused && !tag.is_empty() && tag != "*").then_some(tag)
    });
    accepted.collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn visit() -> Visit {
        Visit {
            at: Instant::from_seconds(1_800_000_000),
            device: Device::Mobile,
            languages: languages("de-AT, en;q=0.5, fr;q=0"),
            country: Some("AT".to_owned()),
            query: vec![("ref".to_owned(), "mail".to_owned())],
            path: String::new(),
            visitor: *b"visitor1",
        }
    }

    fn when(json: &str) -> When {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn each_condition_fits_and_does_not() {
        for (json, fits) in [
            ("{}", true),
            (r#"{"device": ["tablet", "mobile"]}"#, true),
            (r#"{"device": ["desktop"]}"#, false),
            (r#"{"language": ["de"]}"#, true),
            (r#"{"language": ["DE-at"]}"#, true),
            (r#"{"language": ["de-DE"]}"#, false),
            (r#"{"language": ["d"]}"#, false),
            (r#"{"language": ["en"]}"#, true),
            (r#"{"language": ["fr"]}"#, false),
            (r#"{"country": ["AT", "DE"]}"#, true),
            (r#"{"country": ["US"]}"#, false),
            (r#"{"after": "2027-01-15T08:00:00Z", "before": "2027-01-15T08:00:01Z"}"#, true),
            (r#"{"after": "2027-01-15T08:00:01Z"}"#, false),
            (r#"{"before": "2027-01-15T08:00:00Z"}"#, false),
            (r#"{"query": {"ref": "mail"}}"#, true),
            (r#"{"query": {"ref": null}}"#, true),
            (r#"{"query": {"ref": "web"}}"#, false),
            (r#"{"query": {"src": null}}"#, false),
            (r#"{"percentage": 100}"#, true),
            (r#"{"device": ["mobile"], "country": ["US"]}"#, false),
        ] {
            assert_eq!(when(json).holds(&visit(), 0), fits, "{json}");
        }
    }

    #[test]
    fn what_a_rule_may_not_be() {
        for json in [
            r#"{"language": ["deutsch"]}"#,
            r#"{"country": ["at"]}"#,
            r#"{"percentage": 0}"#,
            r#"{"percentage": 101}"#,
            r#"{"query": {"": null}}"#,
            r#"{"after": "2027-01-15T08:00:00Z", "before": "2027-01-15T08:00:00Z"}"#,
        ] {
            assert_eq!(when(json).check(), Err(LinkError::Rules), "{json}");
        }
        let url = Target::parse("https://a.example", &[]).unwrap();
        let rule = Rule { when: When::default(), url };
        assert_eq!(check(&vec![rule.clone(); MOST_RULES + 1]), Err(LinkError::Rules));
        assert_eq!(check(&vec![rule; MOST_RULES]), Ok(()));
    }

    #[test]
    fn half_of_the_visitors_is_about_half_of_them_and_each_stays_where_he_was() {
        let half = when(r#"{"percentage": 50}"#);
        let visitor = |n: u64| Visit { visitor: n.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes(), ..visit() };
        let taken = |place| (0..10_000).filter(|&n| half.holds(&visitor(n), place)).count();
        assert!((4_800..5_200).contains(&taken(0)), "±4 standard deviations of 50: {}", taken(0));
        let both = (0..10_000).filter(|&n| half.holds(&visitor(n), 0) && half.holds(&visitor(n), 1)).count();
        assert!((2_320..2_680).contains(&both), "places are independent: {both}");
    }

    proptest! {
        #[test]
        fn the_first_rule_that_fits_decides(fits in proptest::collection::vec(any::<bool>(), 0..20)) {
            let rule = |(place, fits): (usize, &bool)| Rule {
                when: when(if *fits { "{}" } else { r#"{"country": ["US"]}"# }),
                url: Target::parse(&format!("https://a.example/{place}"), &[]).unwrap(),
            };
            let rules: Vec<Rule> = fits.iter().enumerate().map(rule).collect();
            let decided = decide(&rules, &visit()).map(|(place, _)| usize::from(place));
            prop_assert_eq!(decided, fits.iter().position(|&fits| fits));
        }
    }
}
