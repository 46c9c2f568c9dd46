//! Items, keys and attribute values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::Blob;
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::{Fault, Instant};

/// The attributes of one item.
pub type Attributes = HashMap<String, AttributeValue>;

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// A key of these two parts.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub(crate) fn attributes(&self) -> Attributes {
        [("pk".to_owned(), AttributeValue::S(self.pk.clone())), ("sk".to_owned(), AttributeValue::S(self.sk.clone()))]
            .into()
    }
}

/// Something stored as one item. The key and the index attributes derive from its fields, here and nowhere else.
pub trait Item: Serialize + DeserializeOwned {
    /// The primary key.
    fn key(&self) -> Key;

    /// Attributes beside the fields: keys of the indexes that it appears in, and `purge_at`, the TTL in seconds.
    fn index(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}

/// The whole item as stored: fields, key, index attributes.
///
/// # Errors
/// When the fields cannot be written as attributes.
pub fn attributes<T: Item>(item: &T) -> Result<Attributes, Fault> {
    let mut attributes: Attributes =
        serde_dynamo::to_item(item).map_err(|e| Fault::permanent("writing an item's attributes").caused_by(e))?;
    attributes.extend(item.key().attributes());
    attributes.extend(item.index().into_iter().map(|(name, value)| (name.to_owned(), value.0)));
    Ok(attributes)
}

/// Reads an item back; key and index attributes are ignored unless the type has fields of those names.
///
/// # Errors
/// A permanent fault for an item that the type does not fit.
pub fn from_attributes<T: DeserializeOwned>(attributes: Attributes) -> Result<T, Fault> {
    serde_dynamo::from_item(attributes).map_err(|e| Fault::permanent("reading an item's attributes").caused_by(e))
}

/// A whole number of an item; 0 where it has none of this name.
///
/// # Errors
/// A permanent fault for what is no whole number.
pub fn number(attributes: &Attributes, name: &str) -> Result<i128, Fault> {
    match attributes.get(name) {
        None => Ok(0),
        Some(AttributeValue::N(digits)) => {
            digits.parse().map_err(|e| Fault::permanent(format!("reading the number {name}")).caused_by(e))
        }
        Some(_) => Err(Fault::permanent(format!("{name} is no number"))),
    }
}

/// The item that made a condition fail, as `ALL_OLD` gives it: absent or empty where there is none.
///
/// # Errors
/// As [`from_attributes`].
pub(crate) fn standing<T: DeserializeOwned>(item: Option<Attributes>) -> Result<Option<T>, Fault> {
    item.filter(|item| !item.is_empty()).map(from_attributes).transpose()
}

/// One attribute value.
#[derive(Debug, Clone, PartialEq)]
pub struct Value(pub(crate) AttributeValue);

impl Value {
    /// A set of byte strings; DynamoDB knows no empty set, so an empty one is `None`.
    pub fn binary_set<B: AsRef<[u8]>>(members: impl IntoIterator<Item = B>) -> Option<Self> {
        let members: Vec<Blob> = members.into_iter().map(|member| Blob::new(member.as_ref())).collect();
        (!members.is_empty()).then_some(Self(AttributeValue::Bs(members)))
    }

    /// A set of one text, to unite a set with.
    pub fn text_set(member: impl Into<String>) -> Self {
        Self(AttributeValue::Ss(vec![member.into()]))
    }

    /// A list of numbers.
    pub fn list(members: impl IntoIterator<Item = i64>) -> Self {
        Self(AttributeValue::L(members.into_iter().map(|member| Self::from(member).0).collect()))
    }

    /// Any serialisable value.
    ///
    /// # Errors
    /// When it cannot be written as an attribute.
    pub fn of<T: Serialize>(value: &T) -> Result<Self, Fault> {
        serde_dynamo::to_attribute_value(value)
            .map(Self)
            .map_err(|e| Fault::permanent("writing an attribute").caused_by(e))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(AttributeValue::S(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(AttributeValue::S(text))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(AttributeValue::N(number.to_string()))
    }
}

/// DynamoDB's numbers have 38 digits, of which serde's way to items reads what fits 64 bits: [`number`] reads these.
impl From<i128> for Value {
    fn from(number: i128) -> Self {
        Self(AttributeValue::N(number.to_string()))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self(AttributeValue::N(number.to_string()))
    }
}

/// Milliseconds, as items store times.
impl From<Instant> for Value {
    fn from(instant: Instant) -> Self {
        instant.millis().into()
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self(AttributeValue::B(Blob::new(bytes)))
    }
}
