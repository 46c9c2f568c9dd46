//! Templates of notifications: `{{ variable }}`, `{% if %}` and `{% for %}` in each language (guide 004 CS3).
//!
//! Values are data: they are never expanded again, and never markup in a page. `null` is nothing at all.

mod part;

use std::collections::{BTreeMap, BTreeSet};

use minijinja::UndefinedBehavior;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::part::{HTML, Part, environment, one_line};
use super::Locale;

/// Most languages of a template …
const MOST_LOCALES: usize = 50;
/// … bytes of all their sources, so that a template fits into an item of DynamoDB (400 KB).
const MOST_SOURCES: usize = 320 * 1024;
/// … and characters of its description.
const MOST_DESCRIPTION: usize = 1000;

/// What notifications of a kind say, in each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The language for whoever has none of the others.
    pub default_locale: Locale,
    /// The sources by language, at most 50, of 320 KiB together.
    pub locales: BTreeMap<Locale, Content>,
    /// What it is for, at most 1000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The sources of one language, at most 64 KiB each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// The title, rendered at most 200 characters on one line.
    pub title: String,
    /// The body, at most 4000 characters.
    pub body: String,
    /// What an e-mail has instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailContent>,
    /// What a text message says instead, at most 1600 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms: Option<String>,
}

/// The sources of an e-mail; title and body stand in for what is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailContent {
    /// The subject, at most 200 characters on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The page, at most 200 KiB. Values are escaped in it, and only in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The plain text, at most 200 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a notification says, with its values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rendered {
    /// The title, one line.
    pub title: String,
    /// The body.
    pub body: String,
    /// An e-mail's subject, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// An e-mail's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// An e-mail's plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A text message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms: Option<String>,
}

/// Why a template is refused, or does not render. A place is a language and a source: `pt-BR.email.html`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum TemplateError {
    #[error("{place} is no template: {message}")]
    Syntax { place: String, message: String },
    #[error("the template has no content for its default_locale")]
    NoDefaultLocale,
    #[error("variables are missing: {}", names.join(", "))]
    Missing { names: Vec<String> },
    #[error("{place} is too long")]
    TooLong { place: String },
    #[error("a template has at most {MOST_LOCALES} locales")]
    TooMany,
    #[error("{place} costs too much to render")]
    Costly { place: String },
    #[error("{place} does not render with these variables: {message}")]
    Failed { place: String, message: String },
}

impl Template {
    /// Holds it to its bounds, and tries each source with nothing set, which finds names of filters that there are not.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), TemplateError> {
        if self.locales.len() > MOST_LOCALES {
            return Err(TemplateError::TooMany);
        }
        if !self.locales.contains_key(&self.default_locale) {
            return Err(TemplateError::NoDefaultLocale);
        }
        if self.description.as_ref().is_some_and(|text| text.chars().count() > MOST_DESCRIPTION) {
            return Err(TemplateError::TooLong { place: "description".to_owned() });
        }
        let parts =
            || self.locales.iter().flat_map(|(locale, content)| content.parts().map(move |part| (locale, part)));
        if parts().map(|(_, part)| part.source.len()).sum::<usize>() > MOST_SOURCES {
            return Err(TemplateError::TooLong { place: "locales".to_owned() });
        }
        let environment = environment(UndefinedBehavior::Chainable);
        parts().try_for_each(|(locale, part)| part.check(&environment, locale))
    }

    /// What a notification says in the language of `locale`, its parents or by default, and which of them it was.
    ///
    /// # Errors
    /// [`TemplateError::Missing`] with all names that are, before anything is rendered; else what the first source
    /// fails of.
    pub fn render(
        &self,
        locale: Option<&Locale>,
        variables: &Map<String, Value>,
    ) -> Result<(Locale, Rendered), TemplateError> {
        let wanted = locale.map(Locale::fallbacks).unwrap_or_default();
        let mut chain = wanted.iter().chain([&self.default_locale]);
        let found = chain.find_map(|locale| self.locales.get_key_value(locale));
        let (locale, content) = found.ok_or(TemplateError::NoDefaultLocale)?;
        let environment = environment(UndefinedBehavior::Strict);
        let mut names = BTreeSet::new();
        for part in content.parts() {
            names.extend(part.names(&environment).map_err(|error| part.refusal(locale, &error))?);
        }
        names.retain(|name| !is_given(name, variables));
        if !names.is_empty() {
            return Err(TemplateError::Missing { names: names.into_iter().collect() });
        }
        let values = minijinja::Value::from(Serde(variables));
        let render = |part: Part| Ok((part.place, part.render(&environment, locale, values.clone())?));
        let mut texts = content.parts().map(render).collect::<Result<BTreeMap<_, _>, TemplateError>>()?;
        if texts.values().map(String::len).sum::<usize>() > part::MOST_RENDERED {
            return Err(TemplateError::TooLong { place: locale.to_string() });
        }
        let rendered = Rendered {
            title: texts.remove("title").unwrap_or_default(),
            body: texts.remove("body").unwrap_or_default(),
            subject: texts.remove("email.subject"),
            html: texts.remove(HTML),
            text: texts.remove("email.text"),
            sms: texts.remove("sms"),
        };
        Ok((locale.clone(), rendered))
    }

    /// The names of the variables that it uses in any language and that are not given: whoever is told, and in which
    /// language, is not known yet.
    pub fn missing(&self, variables: &Map<String, Value>) -> Vec<String> {
        self.variables().into_iter().filter(|name| !is_given(name, variables)).collect()
    }

    /// The names of the variables that it uses in any language, with dots where it looks into one.
    pub fn variables(&self) -> BTreeSet<String> {
        let environment = environment(UndefinedBehavior::Strict);
        let parts = self.locales.values().flat_map(Content::parts);
        parts.filter_map(|part| part.names(&environment).ok()).flatten().collect()
    }
}

impl Rendered {
    /// A notification without a template: its title on one line, and its body.
    pub fn plain(title: &str, body: &str) -> Self {
        Self { title: one_line(title), body: body.to_owned(), ..Self::default() }
    }
}

/// Whether `variables` has what a dotted name leads to.
fn is_given(name: &str, variables: &Map<String, Value>) -> bool {
    let mut parts = name.split('.');
    let first = parts.next().and_then(|part| variables.get(part));
    first.is_some_and(|first| parts.try_fold(first, |value, part| value.get(part)).is_some())
}

#[cfg(test)]
mod tests;
