//! Where a link leads a visitor: its URL or a rule's, with what is forwarded and what is added.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::rules::decide;
use super::{Link, LinkError, Target, Visit};

/// Longest `Location` that is sent, in bytes: API Gateway and most proxies refuse headers of more than 8 to 10 KB.
const MOST_BYTES: usize = 6000;
/// Longest UTM value, in characters.
const UTM_CHARACTERS: usize = 200;

/// Campaign parameters, which every destination of the link gets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Utm {
    /// `utm_source`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `utm_medium`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// `utm_campaign`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// `utm_term`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// `utm_content`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl Utm {
    fn pairs(&self) -> Vec<(String, String)> {
        let all = [
            ("utm_source", &self.source),
            ("utm_medium", &self.medium),
            ("utm_campaign", &self.campaign),
            ("utm_term", &self.term),
            ("utm_content", &self.content),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
    }

    /// Holds the values to their bounds.
    ///
    /// # Errors
    /// [`LinkError::Utm`].
    pub(super) fn check(&self) -> Result<(), LinkError> {
        let fits = |(_, value): &(String, String)| (1..=UTM_CHARACTERS).contains(&value.chars().count());
        if self.pairs().iter().all(fits) { Ok(()) } else { Err(LinkError::Utm) }
    }
}

/// Where a visitor goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The whole URL.
    pub url: String,
    /// Place of the rule that decided.
    pub rule: Option<u8>,
}

impl Link {
    /// Where the link leads this visitor: the first rule that fits or the link's own URL; then what follows the code in
    /// the path; then the UTM parameters; then the visitor's query, which replaces parameters of the same names.
    pub fn destination(&self, visit: &Visit) -> Destination {
        let decided = decide(&self.rules, visit);
        let target = decided.map_or(&self.url, |(_, rule)| &rule.url);
        let url = self.dressed(target, visit).unwrap_or_else(|| target.as_str().to_owned());
        Destination { url, rule: decided.map(|(place, _)| place) }
    }

    /// Whether the path after the code is the link's to forward.
    ///
    /// # Errors
    /// [`LinkError::NotFound`]: the short URL has a path, and the link takes none.
    pub fn takes(&self, path: &str) -> Result<(), LinkError> {
        if path.is_empty() || self.forward_path { Ok(()) } else { Err(LinkError::NotFound) }
    }

    fn dressed(&self, target: &Target, visit: &Visit) -> Option<String> {
        let utm = self.utm.as_ref().map(Utm::pairs).unwrap_or_default();
        let forwarded = if self.forward_query { visit.query.as_slice() } else { &[] };
        if utm.is_empty() && forwarded.is_empty() && visit.path.is_empty() {
            return None;
        }
        let mut url = Url::parse(target.as_str()).ok()?;
        if !visit.path.is_empty() {
            // A URL's parser drops these, and so would make `..` of what is none yet.
            let path = visit.path.replace(['\t', '\r', '\n'], "");
            url.path_segments_mut().ok()?.pop_if_empty().extend(path.split('/'));
        }
        for group in [utm.as_slice(), forwarded] {
            set_query(&mut url, group);
        }
        Some(String::from(url)).filter(|url| url.len() <= MOST_BYTES)
    }
}

/// Adds the pairs to the query in place of parameters of the same names.
fn set_query(url: &mut Url, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        return;
    }
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| pairs.iter().all(|(own, _)| own != name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(pairs);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::link::tests::link;
    use super::super::rules::tests::visit;
    use super::*;

    fn lead(change: impl FnOnce(&mut Link), path: &str) -> String {
        let mut link = link("https://a.example/x/?q=1&utm_source=old#top");
        change(&mut link);
        link.destination(&Visit { path: path.to_owned(), ..visit() }).url
    }

    #[test]
    fn what_is_added_and_forwarded() {
        assert_eq!(lead(|_| {}, ""), "https://a.example/x/?q=1&utm_source=old#top");
        assert_eq!(lead(|link| link.forward_query = true, ""), "https://a.example/x/?q=1&utm_source=old&ref=mail#top");
        let utm = Utm { source: Some("a b".to_owned()), medium: Some("email".to_owned()), ..Utm::default() };
        assert_eq!(
            lead(|link| link.utm = Some(utm), ""),
            "https://a.example/x/?q=1&utm_source=a+b&utm_medium=email#top"
        );
        assert_eq!(
            lead(|link| link.forward_path = true, ".\t./.\n./z"),
            "https://a.example/x/z?q=1&utm_source=old#top"
        );
        assert_eq!(
            lead(|link| link.forward_path = true, "y/../z?/ü"),
            "https://a.example/x/y/z%3F/%C3%BC?q=1&utm_source=old#top",
            "no step leads out of the target's path, and no path becomes a query"
        );
    }

    #[test]
    fn a_path_is_taken_only_where_it_is_forwarded() {
        let mut link = link("https://a.example/");
        assert_eq!(link.takes("x"), Err(LinkError::NotFound));
        link.forward_path = true;
        assert_eq!((link.takes("x"), link.takes("")), (Ok(()), Ok(())));
    }

    proptest! {
        #[test]
        fn nothing_forwarded_changes_the_host(
            name in ".{0,20}", value in ".{0,40}", path in ".{0,40}",
        ) {
            let mut link = link("https://a.example/x?q=1");
            (link.forward_query, link.forward_path) = (true, true);
            let visit = Visit { query: vec![(name, value)], path, ..visit() };
            let url = Url::parse(&link.destination(&visit).url).unwrap();
            prop_assert_eq!((url.scheme(), url.host_str(), url.port()), ("https", Some("a.example"), None));
            prop_assert!(url.path().starts_with("/x"));
        }
    }
}
