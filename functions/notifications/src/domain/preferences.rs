//! What a user wants to hear, by which channels, when and in which language (guides 000 Q13, 003 §4, 004 CS3).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use types::Instant;

use super::{Channel, DigestPreferences, QuietHours, Zone};

/// Most types that a user has wishes about …
const MOST_TYPES: usize = 100;
/// … and characters of a type's name.
const MOST_CHARACTERS: usize = 64;

/// A user's wishes. What he says nothing about is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Preferences {
    /// Whether he is notified at all.
    pub enabled: bool,
    /// Channels that he has switched off, or on; on where it is not named.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub channels: BTreeMap<Channel, bool>,
    /// Wishes about types of notifications, at most 100.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, TypePreferences>,
    /// A time of each day in which nothing but what is critical interrupts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// When he gets mails of priority normal and low, all in one; each by itself where he does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestPreferences>,
    /// Where his clock hangs, for quiet hours and digests; UTC where he does not say.
    pub time_zone: Zone,
    /// His language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
}

/// Wishes about one type of notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TypePreferences {
    /// Whether it is sent at all.
    pub enabled: bool,
    /// Channels that are off or on for this type; on where it is not named.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub channels: BTreeMap<Channel, bool>,
    /// Whether it may wait for the digest, where there is one.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub digest: bool,
}

/// A language, perhaps its script and region, in the case of RFC 5646 section 2.1.1: `en`, `pt-BR`, `zh-Hant-TW`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Locale(String);

/// The text is no language tag of the kind that is used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a language, perhaps with script and region, such as en, pt-BR or zh-Hant-TW")]
pub struct BadLocale;

/// The most general wish that forbids a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOut {
    /// No notifications at all.
    All,
    /// None by this channel.
    Channel,
    /// None of this type.
    Type,
    /// None of this type by this channel.
    TypeChannel,
}

impl OptOut {
    /// As a delivery's record tells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "opted-out-all",
            Self::Channel => "opted-out-channel",
            Self::Type => "opted-out-type",
            Self::TypeChannel => "opted-out-type-channel",
        }
    }
}

impl Default for Preferences {
    fn default() -> Self {
        let (channels, types) = (BTreeMap::new(), BTreeMap::new());
        Self { enabled: true, channels, types, quiet_hours: None, digest: None, time_zone: Zone::utc(), locale: None }
    }
}

impl Default for TypePreferences {
    fn default() -> Self {
        Self { enabled: true, channels: BTreeMap::new(), digest: true }
    }
}

impl Preferences {
    /// Holds them to their bounds.
    ///
    /// # Errors
    /// What is wrong.
    pub fn validate(&self) -> Result<(), &'static str> {
        if self.types.len() > MOST_TYPES {
            return Err("preferences name at most 100 types");
        }
        self.digest.as_ref().map_or(Ok(()), DigestPreferences::validate)?;
        match self.types.keys().all(|name| is_type(name)) {
            true => Ok(()),
            false => Err("a type is a letter or digit, then up to 63 of a-z 0-9 _ . -"),
        }
    }

    /// Whether a notification of type `kind` may go by `channel`.
    ///
    /// # Errors
    /// The most general wish against it: what is off altogether is not on again where something says so of a part.
    pub fn allows(&self, kind: &str, channel: Channel) -> Result<(), OptOut> {
        let off = |channels: &BTreeMap<Channel, bool>| channels.get(&channel) == Some(&false);
        let wishes = self.types.get(kind);
        if !self.enabled {
            Err(OptOut::All)
        } else if off(&self.channels) {
            Err(OptOut::Channel)
        } else if wishes.is_some_and(|wishes| !wishes.enabled) {
            Err(OptOut::Type)
        } else if wishes.is_some_and(|wishes| off(&wishes.channels)) {
            Err(OptOut::TypeChannel)
        } else {
            Ok(())
        }
    }

    /// Until when a notification has to wait for the user to be disturbed; none where it need not. What is critical
    /// does not wait, nor what disturbs nobody.
    pub fn quiet_until(&self, channel: Channel, critical: bool, now: Instant) -> Option<Instant> {
        let hours = self.quiet_hours.filter(|_| channel.interrupts() && !critical)?;
        hours.ends(&self.time_zone, now)
    }

    /// These wishes, and no more of type `kind` by `channel`: what one click unsubscribes from (RFC 8058).
    ///
    /// It always works: where there is no room for another type, the whole channel is switched off.
    pub fn without(mut self, kind: &str, channel: Channel) -> Self {
        if self.types.contains_key(kind) || (self.types.len() < MOST_TYPES && is_type(kind)) {
            self.types.entry(kind.to_owned()).or_default().channels.insert(channel, false);
        } else {
            self.channels.insert(channel, false);
        }
        self
    }
}

/// Whether this can be a type of notifications: a letter or digit, then letters, digits and `_.-`, at most 64, all in
/// lower case.
pub fn is_type(text: &str) -> bool {
    let word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= MOST_CHARACTERS
        && bytes.first().is_some_and(word)
        && bytes.iter().all(|byte| word(byte) || b"_.-".contains(byte))
}

impl Locale {
    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This and its parents, the most special first (the lookup of RFC 4647 section 3.4): `pt-BR`, `pt`.
    pub fn fallbacks(&self) -> Vec<Self> {
        let parent = |of: &Self| of.0.rsplit_once('-').map(|(parent, _)| Self(parent.to_owned()));
        std::iter::successors(Some(self.clone()), parent).collect()
    }
}

impl FromStr for Locale {
    type Err = BadLocale;
    fn from_str(text: &str) -> Result<Self, BadLocale> {
        let alphabetic = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
        let region = |part: &str| match part.len() {
            2 => alphabetic(part),
            3 => part.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        let mut parts = text.split('-').peekable();
        let language = parts.next().filter(|part| (2..=3).contains(&part.len()) && alphabetic(part));
        let mut tag = language.ok_or(BadLocale)?.to_ascii_lowercase();
        if let Some(script) = parts.next_if(|part| part.len() == 4 && alphabetic(part)) {
            tag.extend(["-", &script[..1].to_ascii_uppercase(), &script[1..].to_ascii_lowercase()]);
        }
        if let Some(region) = parts.next_if(|part| region(part)) {
            tag.extend(["-", &region.to_ascii_uppercase()]);
        }
        if parts.next().is_some() { Err(BadLocale) } else { Ok(Self(tag)) }
    }
}

impl TryFrom<String> for Locale {
    type Error = BadLocale;
    fn try_from(text: String) -> Result<Self, BadLocale> {
        text.parse()
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Locale {
    fn schema_name() -> Cow<'static, str> {
        "Locale".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = "^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$";
        json_schema!({"type": "string", "pattern": pattern, "examples": ["pt-BR"]})
    }
}

#[cfg(test)]
mod tests;
