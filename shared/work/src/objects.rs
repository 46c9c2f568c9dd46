//! S3 events. The types are our own because the SDK's pull in chrono for one field.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use types::{Fault, Instant};

/// What S3 delivers: at least once, in any order. A test event (`s3:TestEvent`), which a new notification sends, has no
/// records.
#[derive(Debug, Deserialize)]
pub struct ObjectEvents {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    event_time: Instant,
    s3: Entity,
}

#[derive(Debug, Deserialize)]
struct Entity {
    bucket: Bucket,
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    #[serde(default)]
    size: u64,
    e_tag: Option<String>,
    version_id: Option<String>,
    #[serde(default)]
    sequencer: String,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectChange {
    /// It was put, copied, or completed as a multipart upload.
    Created,
    /// It was deleted, or hidden by a delete marker.
    Removed,
    /// Something else that the template subscribes to: tags, restores, lifecycle.
    Other,
}

/// One change of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEvent {
    /// What happened.
    pub change: ObjectChange,
    /// AWS's name of it: `ObjectCreated:Put`.
    pub name: String,
    /// When.
    pub at: Instant,
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// Bytes; 0 for what was removed.
    pub size: u64,
    /// Entity tag, where there is one.
    pub etag: Option<String>,
    /// Version, in a bucket that keeps versions.
    pub version_id: Option<String>,
    /// Orders the events of one key; see [`ObjectEvent::is_after`].
    pub sequencer: String,
}

impl ObjectEvents {
    /// The changes as they came.
    ///
    /// # Errors
    /// When a key is not UTF-8, which S3 does not allow.
    pub fn into_vec(self) -> Result<Vec<ObjectEvent>, Fault> {
        self.records.into_iter().map(ObjectEvent::of).collect()
    }
}

impl ObjectEvent {
    fn of(Record { event_name: name, event_time: at, s3 }: Record) -> Result<Self, Fault> {
        let change = match name.trim_start_matches("s3:").split(':').next() {
            Some("ObjectCreated") => ObjectChange::Created,
            Some("ObjectRemoved") => ObjectChange::Removed,
            _ => ObjectChange::Other,
        };
        let Object { key, size, e_tag: etag, version_id, sequencer } = s3.object;
        Ok(Self { change, name, at, bucket: s3.bucket.name, key: decoded(&key)?, size, etag, version_id, sequencer })
    }

    /// Whether it came after the event of the same key with this sequencer: the longer is padded (AWS: compare as
    /// hexadecimal text after padding the shorter one on the right with zeros).
    pub fn is_after(&self, sequencer: &str) -> bool {
        let width = self.sequencer.len().max(sequencer.len());
        format!("{:0<width$}", self.sequencer) > format!("{sequencer:0<width$}")
    }
}

/// Keys come as in a form: `+` is a space, `%2B` a plus.
fn decoded(key: &str) -> Result<String, Fault> {
    let key = key.replace('+', " ");
    let text = percent_decode_str(&key).decode_utf8().map(Cow::into_owned);
    text.map_err(|e| Fault::permanent("reading an object's key").caused_by(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(key: &str, name: &str) -> serde_json::Value {
        serde_json::json!({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": name,
            "eventTime": "2026-11-22T10:00:00.123Z",
            "s3": {
                "bucket": {"name": "b", "arn": "arn:aws:s3:::b"},
                "object": {"key": key, "size": 5, "eTag": "e", "sequencer": "0055AED6DCD90281E5"},
            },
        }]})
    }

    fn read(event: serde_json::Value) -> Option<Vec<ObjectEvent>> {
        serde_json::from_value::<ObjectEvents>(event).ok()?.into_vec().ok()
    }

    #[test]
    fn an_event_is_read_and_its_key_decoded() {
        let events = read(event("photos/red+flower%2B%C3%A4+%26.jpg", "ObjectCreated:CompleteMultipartUpload"));
        let first = events.as_ref().and_then(|events| events.first());
        assert_eq!(first.map(|event| event.key.as_str()), Some("photos/red flower+ä &.jpg"));
        assert_eq!(first.map(|event| (event.change, event.size)), Some((ObjectChange::Created, 5)));
        let removed = read(event("x", "s3:ObjectRemoved:DeleteMarkerCreated")).unwrap_or_default();
        assert_eq!(removed.first().map(|event| event.change), Some(ObjectChange::Removed));
        assert_eq!(read(event("%FF", "ObjectCreated:Put")), None);
        let test = serde_json::json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"});
        assert_eq!(read(test), Some(Vec::new()));
    }

    #[test]
    fn sequencers_order_the_events_of_a_key() {
        let events = read(event("x", "ObjectCreated:Put")).unwrap_or_default();
        for (other, after) in [
            ("0055AED6DCD90281E4", true),
            ("0055AED6DCD90281E5", false),
            ("0055AED6DCD90281E6", false),
            ("0055AED6DCD9", true),
            ("0055AED6DCDA", false),
            ("0055AED6DCD90281E500", false),
            ("0055AED6DCD90281E501", false),
        ] {
            assert_eq!(events.first().map(|event| event.is_after(other)), Some(after), "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_key_survives_its_encoding(key in "\\PC{0,40}") {
            let encoded = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(decoded(&encoded.replace("%20", "+")).ok(), Some(key));
        }
    }
}
