//! DynamoDB streams. The event types are our own because the SDK's pull in chrono for one field.

use dynamo::Attributes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use types::Fault;

/// What a stream delivers: changes, in order for each item, perhaps again.
#[derive(Debug, Deserialize)]
pub struct Changes {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(rename = "eventID")]
    event_id: String,
    event_name: Kind,
    dynamodb: Images,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    #[serde(default)]
    keys: Option<serde_dynamo::Item>,
    #[serde(default)]
    new_image: Option<serde_dynamo::Item>,
    #[serde(default)]
    old_image: Option<serde_dynamo::Item>,
}

/// What happened to the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Kind {
    Insert,
    Modify,
    Remove,
}

/// One change of one item.
#[derive(Debug, Clone)]
pub struct Change {
    /// The same when it is delivered again.
    pub id: String,
    /// What happened.
    pub kind: Kind,
    /// The item's sort key.
    pub sk: String,
    /// The item before.
    pub old: Option<Attributes>,
    /// The item after.
    pub new: Option<Attributes>,
}

impl Changes {
    /// The changes in order.
    pub fn into_vec(self) -> Vec<Change> {
        self.records.into_iter().map(Change::from).collect()
    }
}

impl From<Record> for Change {
    fn from(record: Record) -> Self {
        let attributes = |item: Option<serde_dynamo::Item>| item.map(Attributes::from).filter(|i| !i.is_empty());
        let keys = attributes(record.dynamodb.keys).unwrap_or_default();
        let sk = keys.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
        Self {
            id: record.event_id,
            kind: record.event_name,
            sk,
            old: attributes(record.dynamodb.old_image),
            new: attributes(record.dynamodb.new_image),
        }
    }
}

impl Change {
    /// The item before, as `T`.
    ///
    /// # Errors
    /// When the item does not fit.
    pub fn before<T: DeserializeOwned>(&self) -> Result<Option<T>, Fault> {
        self.old.clone().map(dynamo::from_attributes).transpose()
    }

    /// The item after, as `T`.
    ///
    /// # Errors
    /// When the item does not fit.
    pub fn after<T: DeserializeOwned>(&self) -> Result<Option<T>, Fault> {
        self.new.clone().map(dynamo::from_attributes).transpose()
    }
}
