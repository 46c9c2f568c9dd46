//! The sources of a template, each on its own: what they may cost and hold, and what is escaped.

use std::collections::BTreeSet;

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, Template, UndefinedBehavior, escape_formatter,
};

use super::{Content, EmailContent, TemplateError};
use crate::domain::Locale;

/// Most bytes of a source.
pub(super) const MOST_SOURCE: usize = 64 * 1024;
/// Most characters of a title or subject …
const MOST_TITLE: usize = 200;
/// … of a body …
const MOST_BODY: usize = 4000;
/// … and of a text message: what ten parts hold, about.
const MOST_SMS: usize = 1600;
/// Most bytes of an e-mail's page or text.
const MOST_EMAIL: usize = 200 * 1024;
/// Most bytes of all that a notification says: its item holds 400 KB.
pub(super) const MOST_RENDERED: usize = 300 * 1024;
/// What one source may cost: instructions, and 64 bytes for each.
const FUEL: u64 = 25_000;
/// Most bytes between `{{` and `}}`, and most `{% elif %}`: what bounds the depth of the compiler's recursion, which
/// minijinja bounds for brackets and blocks only. A thousand of either overflow a stack of 2 MB.
const MOST_TAG: usize = 500;
const MOST_ELIFS: usize = 100;
/// The one place whose values are escaped.
pub(super) const HTML: &str = "email.html";

/// One source, its place in a content, and how much of it there may be once it is rendered.
pub(super) struct Part<'a> {
    pub(super) place: &'static str,
    pub(super) source: &'a str,
    limit: Limit,
}

enum Limit {
    /// Characters, on one line.
    Line(usize),
    Characters(usize),
    Bytes(usize),
}

impl Content {
    /// Its sources, those that it has.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let email = self.email.as_ref();
        let of = |part: fn(&EmailContent) -> &Option<String>| email.and_then(|email| part(email).as_deref());
        let parts = [
            ("title", Some(self.title.as_str()), Limit::Line(MOST_TITLE)),
            ("body", Some(self.body.as_str()), Limit::Characters(MOST_BODY)),
            ("email.subject", of(|email| &email.subject), Limit::Line(MOST_TITLE)),
            (HTML, of(|email| &email.html), Limit::Bytes(MOST_EMAIL)),
            ("email.text", of(|email| &email.text), Limit::Bytes(MOST_EMAIL)),
            ("sms", self.sms.as_deref(), Limit::Characters(MOST_SMS)),
        ];
        parts.into_iter().filter_map(|(place, source, limit)| Some(Part { place, source: source?, limit }))
    }
}

impl Part<'_> {
    /// Holds the source to its bounds and renders it with nothing set.
    pub(super) fn check(&self, environment: &Environment<'_>, locale: &Locale) -> Result<(), TemplateError> {
        use ErrorKind::{BadEscape, OutOfFuel, SyntaxError, UnknownFilter, UnknownFunction, UnknownTest};
        if self.source.len() > MOST_SOURCE {
            return Err(TemplateError::TooLong { place: self.at(locale) });
        }
        match self.compile(environment).and_then(|template| template.render(())) {
            // Whatever else fails may do so for want of its values.
            Err(error) => match error.kind() {
                OutOfFuel => Err(self.refusal(locale, &error)),
                SyntaxError | BadEscape | UnknownFilter | UnknownFunction | UnknownTest => {
                    Err(TemplateError::Syntax { place: self.at(locale), message: message(&error) })
                }
                _ => Ok(()),
            },
            Ok(_) => Ok(()),
        }
    }

    fn compile<'s>(&'s self, environment: &'s Environment<'s>) -> Result<Template<'s, 's>, Error> {
        if !is_shallow(self.source) {
            let bounds = format!("at most {MOST_TAG} bytes in a tag, {MOST_ELIFS} elif, and no raw");
            return Err(Error::new(ErrorKind::SyntaxError, bounds));
        }
        environment.template_from_named_str(self.place, self.source)
    }

    /// The variables that it uses and does not set itself.
    pub(super) fn names(&self, environment: &Environment<'_>) -> Result<BTreeSet<String>, Error> {
        let names = self.compile(environment)?.undeclared_variables(true);
        let global = |name: &String| environment.globals().any(|(global, _)| global == name);
        Ok(names.into_iter().filter(|name| !global(name)).collect())
    }

    /// What it says with `values`.
    pub(super) fn render(
        &self,
        environment: &Environment<'_>,
        locale: &Locale,
        values: minijinja::Value,
    ) -> Result<String, TemplateError> {
        let text = self.compile(environment).and_then(|template| template.render(values));
        let text = text.map_err(|error| self.refusal(locale, &error))?;
        let text = if matches!(self.limit, Limit::Line(_)) { one_line(&text) } else { text };
        let fits = match self.limit {
            Limit::Line(most) | Limit::Characters(most) => text.chars().count() <= most,
            Limit::Bytes(most) => text.len() <= most,
        };
        if fits { Ok(text) } else { Err(TemplateError::TooLong { place: self.at(locale) }) }
    }

    /// Why it failed, to whoever wrote it or its values.
    pub(super) fn refusal(&self, locale: &Locale, error: &Error) -> TemplateError {
        let place = self.at(locale);
        match error.kind() {
            ErrorKind::OutOfFuel => TemplateError::Costly { place },
            ErrorKind::SyntaxError => TemplateError::Syntax { place, message: message(error) },
            _ => TemplateError::Failed { place, message: message(error) },
        }
    }

    fn at(&self, locale: &Locale) -> String {
        format!("{locale}.{}", self.place)
    }
}

/// What sources are rendered in: without other templates, macros and whatever else reaches beyond one.
pub(super) fn environment<'a>(undefined: UndefinedBehavior) -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|place| if place == HTML { AutoEscape::Html } else { AutoEscape::None });
    environment.set_formatter(write);
    // The one lets markup through, the other shows everything that is set.
    environment.remove_filter("safe");
    environment.remove_global("debug");
    environment
}

fn write(out: &mut Output, state: &mut State, value: &minijinja::Value) -> Result<(), Error> {
    if value.is_none() || value.is_undefined() {
        return Ok(());
    }
    if state.name() == HTML && *state.auto_escape() != AutoEscape::Html {
        return Err(Error::new(ErrorKind::BadEscape, "values are always escaped in a page"));
    }
    escape_formatter(out, state, value)
}

/// Whether the compiler can take the source without overflowing its stack. Reads it as minijinja's lexer does: a tag
/// ends at its end marker outside of strings and brackets. `raw` would end elsewhere and is refused.
fn is_shallow(source: &str) -> bool {
    let (mut rest, mut elifs) = (source, 0);
    while let Some(start) = ["{{", "{%", "{#"].iter().filter_map(|marker| rest.find(marker)).min() {
        let (kind, inside) = (rest.as_bytes()[start + 1], &rest[start + 2..]);
        let word = inside.trim_start_matches(['-', '+']).trim_start();
        elifs += usize::from(word.starts_with("elif"));
        let end = match kind {
            b'#' => inside.find("#}").unwrap_or(inside.len()),
            kind => tag_end(inside.as_bytes(), if kind == b'{' { b"}}" } else { b"%}" }),
        };
        let is_long = kind != b'#' && end > MOST_TAG;
        if is_long || elifs > MOST_ELIFS || (kind == b'%' && word.starts_with("raw")) {
            return false;
        }
        rest = inside.get(end + 2..).unwrap_or_default();
    }
    true
}

/// Where the tag's end marker stands, or how many bytes there are.
fn tag_end(tag: &[u8], marker: &[u8]) -> usize {
    let (mut place, mut open, mut quote) = (0, 0_i32, None);
    while let Some(&byte) = tag.get(place) {
        match (byte, quote) {
            (b'\\', Some(_)) => place += 1,
            (_, Some(end)) if byte == end => quote = None,
            (_, Some(_)) => {}
            _ if open == 0 && tag[place..].starts_with(marker) => return place,
            (b'"' | b'\'', None) => quote = Some(byte),
            (b'(' | b'[' | b'{', None) => open += 1,
            (b')' | b']' | b'}', None) => open -= 1,
            _ => {}
        }
        place += 1;
    }
    tag.len()
}

/// The text without line breaks and other control characters, for a break in a header starts another header.
pub(super) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    words.map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn message(error: &Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    error.line().map_or_else(|| what.clone(), |line| format!("{what} (line {line})"))
}
