//! What a caller wishes of a link: at its claim, and later.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use types::Instant;

use super::{Link, LinkError, Password, RedirectStatus, Rule, Target, Utm, rules};

/// Longest title, in characters.
const TITLE_CHARACTERS: usize = 200;
/// Most tags, and the longest of them in characters.
const TAGS: (usize, usize) = (10, 50);
/// Longest life a caller may ask for: 10 years (guide 000's retention).
const MOST_TTL: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Most clicks of a limit.
const MOST_CLICKS: u64 = 1_000_000_000;

/// A wish for one member, as in a JSON merge patch (RFC 7396): absent, null, or a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// As it is.
    #[default]
    Keep,
    /// None.
    Clear,
    /// This.
    Set(T),
}

impl<T> Change<T> {
    /// A value, where there is one; else nothing changes.
    pub fn of(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }

    /// Parses the value.
    ///
    /// # Errors
    /// What `parse` refuses.
    pub fn try_map<U, E>(self, parse: impl FnOnce(T) -> Result<U, E>) -> Result<Change<U>, E> {
        Ok(match self {
            Self::Keep => Change::Keep,
            Self::Clear => Change::Clear,
            Self::Set(value) => Change::Set(parse(value)?),
        })
    }

    /// The value to set, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            _ => None,
        }
    }

    /// Whether nothing changes.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    fn apply(self, to: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = None,
            Self::Set(value) => *to = Some(value),
        }
    }

    fn apply_or(self, to: &mut T, default: T) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = default,
            Self::Set(value) => *to = value,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Change<T> {
    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// The wishes. Null makes a member what it is on a new link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // as in Link
pub struct Edit {
    pub url: Option<Target>,
    pub expires_at: Change<Instant>,
    pub title: Change<String>,
    pub tags: Change<Vec<String>>,
    pub redirect_status: Change<RedirectStatus>,
    pub max_clicks: Change<u64>,
    pub fallback_url: Change<Target>,
    pub password: Change<Password>,
    pub forward_query: Change<bool>,
    pub forward_path: Change<bool>,
    pub utm: Change<Utm>,
    pub rules: Change<Vec<Rule>>,
}

/// When a link ends, of `ttl_seconds` or `expires_at`.
///
/// # Errors
/// [`LinkError::Expiry`] for both.
pub fn end(ttl_seconds: Change<u64>, expires_at: Change<Instant>, now: Instant) -> Result<Change<Instant>, LinkError> {
    match (ttl_seconds, expires_at) {
        (Change::Keep, expires_at) => Ok(expires_at),
        (Change::Clear, Change::Keep) => Ok(Change::Clear),
        (Change::Set(seconds), Change::Keep) => Ok(Change::Set(now + Duration::from_secs(seconds))),
        _ => Err(LinkError::Expiry),
    }
}

impl Edit {
    /// The wishes, each held to its rule; tags in order.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn checked(mut self, now: Instant) -> Result<Self, LinkError> {
        let lives = |&at: &Instant| at >= now + Duration::from_secs(1) && at <= now + MOST_TTL;
        let fits = |tag: &String| (1..=TAGS.1).contains(&tag.chars().count());
        if !self.expires_at.value().is_none_or(lives) {
            return Err(LinkError::Expiry);
        }
        if self.title.value().is_some_and(|title| title.chars().count() > TITLE_CHARACTERS) {
            return Err(LinkError::Title);
        }
        if let Change::Set(tags) = &mut self.tags {
            tags.sort();
            let repeated = tags.windows(2).any(|pair| pair[0] == pair[1]);
            if repeated || tags.len() > TAGS.0 || !tags.iter().all(fits) {
                return Err(LinkError::Tags);
            }
        }
        if !self.max_clicks.value().is_none_or(|most| (1..=MOST_CLICKS).contains(most)) {
            return Err(LinkError::MaxClicks);
        }
        self.utm.value().map_or(Ok(()), Utm::check)?;
        self.rules.value().map_or(Ok(()), |these| rules::check(these))?;
        Ok(self)
    }

    /// Carries the wishes out.
    pub fn apply(self, link: &mut Link) {
        if let Some(url) = self.url {
            link.url = url;
        }
        self.expires_at.apply(&mut link.expires_at);
        self.title.apply(&mut link.title);
        self.tags.apply_or(&mut link.tags, Vec::new());
        self.redirect_status.apply_or(&mut link.redirect_status, RedirectStatus::default());
        self.max_clicks.apply(&mut link.max_clicks);
        self.fallback_url.apply(&mut link.fallback_url);
        self.password.apply(&mut link.password);
        self.forward_query.apply_or(&mut link.forward_query, false);
        self.forward_path.apply_or(&mut link.forward_path, false);
        self.utm.apply(&mut link.utm);
        self.rules.apply_or(&mut link.rules, Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::super::link::tests::{NOW, link};
    use super::*;

    fn edit(change: impl FnOnce(&mut Edit)) -> Result<Edit, LinkError> {
        let mut edit = Edit::default();
        change(&mut edit);
        edit.checked(NOW)
    }

    #[test]
    fn what_a_wish_may_not_be() {
        let after = |seconds| Change::Set(NOW + Duration::from_secs(seconds));
        assert_eq!(edit(|edit| edit.expires_at = Change::Set(NOW)), Err(LinkError::Expiry));
        assert_eq!(edit(|edit| edit.expires_at = after(u64::MAX)), Err(LinkError::Expiry));
        assert_eq!(end(Change::Set(60), Change::Set(NOW), NOW), Err(LinkError::Expiry));
        assert_eq!(end(Change::Clear, Change::Set(NOW), NOW), Err(LinkError::Expiry));
        assert_eq!(edit(|edit| edit.title = Change::Set("x".repeat(201))), Err(LinkError::Title));
        assert_eq!(edit(|edit| edit.tags = Change::Set(vec!["a".to_owned(); 2])), Err(LinkError::Tags));
        assert_eq!(edit(|edit| edit.tags = Change::Set(vec![String::new()])), Err(LinkError::Tags));
        assert_eq!(edit(|edit| edit.max_clicks = Change::Set(0)), Err(LinkError::MaxClicks));
        let utm = Utm { term: Some(String::new()), ..Utm::default() };
        assert_eq!(edit(|edit| edit.utm = Change::Set(utm)), Err(LinkError::Utm));
        assert!(edit(|edit| edit.title = Change::Set("ü".repeat(200))).is_ok());
        assert!(edit(|edit| edit.expires_at = after(1)).is_ok());
    }

    #[test]
    fn null_clears_a_value_sets_and_what_is_absent_stays() {
        let mut cat = link("https://a.example/");
        let set = Edit {
            title: Change::Set("mine".to_owned()),
            max_clicks: Change::Set(5),
            tags: Change::Set(vec!["b".to_owned(), "a".to_owned()]),
            ..Edit::default()
        };
        set.checked(NOW).unwrap().apply(&mut cat);
        Edit { title: Change::Clear, ..Edit::default() }.apply(&mut cat);
        assert_eq!((cat.title, cat.max_clicks, cat.tags), (None, Some(5), vec!["a".to_owned(), "b".to_owned()]));
    }

    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        title: Change<String>,
    }

    #[test]
    fn absent_null_and_value_are_three_things() {
        let read = |json: &str| serde_json::from_str::<Body>(json).unwrap().title;
        assert_eq!(read("{}"), Change::Keep);
        assert_eq!(read(r#"{"title": null}"#), Change::Clear);
        assert_eq!(read(r#"{"title": "x"}"#), Change::Set("x".to_owned()));
    }
}
