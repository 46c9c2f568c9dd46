//! EventBridge: what systems tell each other.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde::Serialize;
use types::{Fault, Trace};

/// Entries of one `PutEvents`.
const MOST_ENTRIES: usize = 10;

/// An event as published: `detail` is the payload, with a version field `v` and an `id` by which consumers deduplicate.
/// Publishing adds `traceparent`, the publisher's place in its trace (W3C Trace Context); a consumer need not know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Past tense: `LinkCreated`.
    pub detail_type: &'static str,
    /// JSON.
    pub detail: String,
}

impl Event {
    /// An event with this payload.
    ///
    /// # Errors
    /// When the payload cannot be written as JSON.
    pub fn new<T: Serialize>(detail_type: &'static str, payload: &T) -> Result<Self, Fault> {
        let detail = serde_json::to_string(payload).map_err(|e| Fault::permanent("writing an event").caused_by(e))?;
        Ok(Self { detail_type, detail })
    }
}

/// A system's voice on the stage's bus.
#[derive(Debug, Clone)]
pub struct Publisher {
    client: Client,
    bus: String,
    source: &'static str,
}

impl Publisher {
    /// Publishes to `bus` as `source` (`almanac.url-shortener`).
    pub fn new(client: Client, bus: impl Into<String>, source: &'static str) -> Self {
        Self { client, bus: bus.into(), source }
    }

    /// Publishes all of them: what a reader of a stream does, whose batch comes again whole where it fails half-way.
    ///
    /// # Errors
    /// When the bus did not take all.
    pub async fn publish_all(&self, events: &[Event]) -> Result<(), Fault> {
        match self.publish(events).await? {
            taken if taken == events.len() => Ok(()),
            taken => Err(Fault::transient(format!("the bus took {taken} of {} events", events.len()))),
        }
    }

    /// Publishes in order, ten to a call, and returns how many of the first were taken: the caller repeats from there.
    ///
    /// # Errors
    /// When not even one call was answered.
    async fn publish(&self, events: &[Event]) -> Result<usize, Fault> {
        let mut taken = 0;
        for chunk in events.chunks(MOST_ENTRIES) {
            let entries = chunk.iter().map(|event| {
                PutEventsRequestEntry::builder()
                    .event_bus_name(&self.bus)
                    .source(self.source)
                    .detail_type(event.detail_type)
                    .detail(traced(&event.detail, aws::trace().as_ref()))
                    .build()
            });
            let request = self.client.put_events().set_entries(Some(entries.collect())).send();
            let output = match aws::within_deadline("PutEvents", request).await {
                Ok(Ok(output)) => output,
                Ok(Err(error)) if taken == 0 => return Err(aws::fault("PutEvents", error)),
                Err(fault) if taken == 0 => return Err(fault),
                _ => return Ok(taken),
            };
            let refused = output.entries().iter().position(|entry| entry.error_code().is_some());
            taken += refused.unwrap_or(chunk.len());
            if refused.is_some() {
                return Ok(taken);
            }
        }
        Ok(taken)
    }
}

/// The payload with the trace as its first member; what is no object, or names a trace of its own, stays as it is.
fn traced(detail: &str, trace: Option<&Trace>) -> String {
    let members = detail.trim_start().strip_prefix('{').map(str::trim_start);
    let (Some(trace), Some(members)) = (trace, members.filter(|_| !detail.contains("\"traceparent\""))) else {
        return detail.to_owned();
    };
    let separator = if members.starts_with('}') { "" } else { "," };
    format!("{{\"traceparent\":\"{trace}\"{separator}{members}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_given_its_trace_and_stays_what_it_was() -> Result<(), serde_json::Error> {
        let trace = Trace::start();
        for (detail, added) in
            [("{}", true), ("{\"v\": 1, \"id\": \"x\"}", true), ("{\"traceparent\":\"x\"}", false), ("7", false)]
        {
            let mut found: serde_json::Value = serde_json::from_str(&traced(detail, Some(&trace)))?;
            assert_eq!(found["traceparent"] == trace.to_string(), added, "{detail}");
            if let Some(members) = found.as_object_mut().filter(|_| added) {
                members.remove("traceparent");
            }
            assert_eq!(found, serde_json::from_str::<serde_json::Value>(detail)?);
            assert_eq!(traced(detail, None), detail);
        }
        Ok(())
    }
}
