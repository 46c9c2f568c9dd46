//! SQS: batches in.

use std::collections::BTreeSet;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use types::Trace;

use crate::Priority;
use crate::send::{TRACEPARENT, TRACESTATE};

/// A batch of messages, each parsed; those that do not parse have failed already and end in the dead-letter queue.
#[derive(Debug)]
pub struct Batch<T> {
    /// What could be read.
    pub messages: Vec<Message<T>>,
    /// The queue of a priority that it waited in; a batch is of one queue.
    pub priority: Option<Priority>,
    unreadable: BTreeSet<String>,
}

/// One message.
#[derive(Debug, Clone)]
pub struct Message<T> {
    /// SQS's id of this delivery's message; the same when it is delivered again.
    pub id: String,
    /// The body.
    pub body: T,
    /// The trace of whoever sent it.
    pub trace: Option<Trace>,
}

/// The ids of the messages to deliver again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchOutcome(BTreeSet<String>);

impl<T: DeserializeOwned> Batch<T> {
    /// Parses each body as JSON.
    pub fn parse(event: SqsEvent) -> Self {
        let (mut messages, mut unreadable) = (Vec::new(), BTreeSet::new());
        let queue = event.records.first().and_then(|record| record.event_source_arn.as_deref());
        let priority = queue.and_then(Priority::of_queue);
        for record in event.records {
            let trace = trace_of(&record);
            let id = record.message_id.unwrap_or_default();
            match serde_json::from_str(record.body.as_deref().unwrap_or_default()) {
                Ok(body) => messages.push(Message { id, body, trace }),
                Err(error) => {
                    // The body may hold personal data; its place in the queue is enough to find it.
                    tracing::error!(message_id = %id, %error, "a message cannot be read");
                    unreadable.insert(id);
                }
            }
        }
        Self { messages, priority, unreadable }
    }
}

impl<T> Batch<T> {
    /// The outcome when `failed` of the readable messages failed.
    pub fn outcome<'a>(&self, failed: impl IntoIterator<Item = &'a str>) -> BatchOutcome {
        let mut ids = self.unreadable.clone();
        ids.extend(failed.into_iter().map(str::to_owned));
        BatchOutcome(ids)
    }
}

/// A message carries its sender's trace in its attributes; an event that came through the bus, in its detail.
fn trace_of(record: &SqsMessage) -> Option<Trace> {
    #[derive(Deserialize)]
    struct Event {
        detail: Detail,
    }
    #[derive(Deserialize)]
    struct Detail {
        traceparent: String,
    }
    let attribute = |name: &str| record.message_attributes.get(name).and_then(|value| value.string_value.as_deref());
    if let Some(parent) = attribute(TRACEPARENT) {
        return Trace::parse(parent, attribute(TRACESTATE).unwrap_or_default());
    }
    let body = record.body.as_deref().filter(|body| body.contains(TRACEPARENT))?;
    serde_json::from_str::<Event>(body).ok().and_then(|event| Trace::parse(&event.detail.traceparent, ""))
}

impl BatchOutcome {
    /// How many come again.
    pub fn failures(&self) -> usize {
        self.0.len()
    }

    /// The answer Lambda expects; the template needs `ReportBatchItemFailures`.
    pub fn response(self) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = self
            .0
            .into_iter()
            .map(|id| {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = id;
                failure
            })
            .collect();
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_message_fails_alone() {
        let event = r#"{"Records": [{"messageId": "a", "body": "1"}, {"messageId": "b", "body": "one"},
                                    {"messageId": "c", "body": "3"}]}"#;
        let batch: Batch<u32> = Batch::parse(serde_json::from_str(event).unwrap_or_default());
        assert_eq!(batch.messages.iter().map(|m| m.body).collect::<Vec<_>>(), [1, 3]);
        let response = serde_json::to_value(batch.outcome(["c"]).response()).unwrap_or_default();
        assert_eq!(
            response,
            serde_json::json!({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "c"}]})
        );
    }

    #[test]
    fn a_message_knows_its_senders_trace_and_its_queues_priority() {
        let trace = Trace::start();
        let attribute = serde_json::json!({"stringValue": trace.to_string(), "dataType": "String"});
        let record = |id: &str, body: serde_json::Value, attributes: serde_json::Value| {
            serde_json::json!({
                "messageId": id, "body": body.to_string(), "messageAttributes": attributes,
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:dev-zoo-meals-high",
            })
        };
        let event = serde_json::json!({"Records": [
            record("a", 1.into(), serde_json::json!({ "traceparent": attribute })),
            record("b", serde_json::json!({"detail": {"traceparent": trace.to_string()}}), serde_json::json!({})),
            record("c", serde_json::json!({"detail": {"traceparent": "00-1-2-3"}}), serde_json::json!({})),
            record("d", 4.into(), serde_json::json!({"traceparent": {"stringValue": "x", "dataType": "String"}})),
        ]});
        let batch: Batch<serde_json::Value> = Batch::parse(serde_json::from_value(event).unwrap_or_default());
        let traces: Vec<_> = batch.messages.iter().map(|message| message.trace.clone()).collect();
        assert_eq!(traces, [Some(trace.clone()), Some(trace), None, None]);
        assert_eq!(batch.priority, Some(Priority::High));
    }
}
