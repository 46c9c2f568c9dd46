//! Log events that CloudWatch Logs hands to a subscription's function: JSON, compressed, as base64.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::Deserialize;
use types::{Fault, Instant};

/// Most bytes of an event once it is inflated: Lambda takes 256 KB of it compressed and asynchronously, and log lines
/// shrink to a tenth or so.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What CloudWatch Logs delivers: at least once, and not in order.
#[derive(Debug, Deserialize)]
pub struct LogEvents {
    awslogs: Compressed,
}

#[derive(Debug, Deserialize)]
struct Compressed {
    data: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inflated {
    message_type: String,
    #[serde(default)]
    log_events: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    timestamp: i64,
    message: String,
}

/// One log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// The same when it is delivered again.
    pub id: String,
    /// When it was logged.
    pub at: Instant,
    /// What was logged.
    pub message: String,
}

impl LogEvents {
    /// The events as they came; none where CloudWatch Logs only tries whether somebody listens.
    ///
    /// # Errors
    /// When it is not what CloudWatch Logs sends, or more than can be inflated.
    pub fn into_vec(self) -> Result<Vec<LogEvent>, Fault> {
        let broken = "reading log events";
        let packed = STANDARD.decode(self.awslogs.data).map_err(|e| Fault::permanent(broken).caused_by(e))?;
        let mut text = String::new();
        let read = GzDecoder::new(packed.as_slice()).take(MOST_BYTES).read_to_string(&mut text);
        read.map_err(|e| Fault::permanent(broken).caused_by(e))?;
        let events: Inflated = serde_json::from_str(&text).map_err(|e| Fault::permanent(broken).caused_by(e))?;
        if events.message_type != "DATA_MESSAGE" {
            return Ok(Vec::new());
        }
        let event = |Line { id, timestamp, message }| LogEvent { id, at: Instant::from_millis(timestamp), message };
        Ok(events.log_events.into_iter().map(event).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(text: &[u8]) -> Result<Vec<LogEvent>, Fault> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text).unwrap();
        let data = STANDARD.encode(packed.finish().unwrap());
        serde_json::from_value::<LogEvents>(serde_json::json!({"awslogs": {"data": data}})).unwrap().into_vec()
    }

    #[test]
    fn events_are_inflated_and_trials_are_none() {
        let events = read(
            br#"{"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s",
                 "logEvents": [{"id": "e1", "timestamp": 1800000000123, "message": "{}"}]}"#,
        );
        let event = LogEvent { id: "e1".into(), at: Instant::from_millis(1_800_000_000_123), message: "{}".into() };
        assert_eq!(events.unwrap(), [event]);
        assert_eq!(read(br#"{"messageType": "CONTROL_MESSAGE", "logEvents": []}"#).unwrap(), []);
    }

    #[test]
    fn what_is_none_and_what_would_fill_the_memory_is_refused() {
        assert!(read(b"[]").is_err() && read(b"\xff").is_err());
        assert!(read(&vec![b' '; 17 << 20]).is_err(), "some kilobytes that are many when they are inflated");
        let plain = serde_json::json!({"awslogs": {"data": "e30="}});
        assert!(serde_json::from_value::<LogEvents>(plain).unwrap().into_vec().is_err());
    }
}
