//! SQS: batches in, messages out.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::Fault;

/// A batch of messages, each parsed; those that do not parse have failed already and end in the dead-letter queue.
#[derive(Debug)]
pub struct Batch<T> {
    /// What could be read.
    pub messages: Vec<Message<T>>,
    unreadable: BTreeSet<String>,
}

/// One message.
#[derive(Debug, Clone)]
pub struct Message<T> {
    /// SQS's id of this delivery's message; the same when it is delivered again.
    pub id: String,
    /// The body.
    pub body: T,
}

/// The ids of the messages to deliver again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchOutcome(BTreeSet<String>);

impl<T: DeserializeOwned> Batch<T> {
    /// Parses each body as JSON.
    pub fn parse(event: SqsEvent) -> Self {
        let (mut messages, mut unreadable) = (Vec::new(), BTreeSet::new());
        for record in event.records {
            let id = record.message_id.unwrap_or_default();
            match serde_json::from_str(record.body.as_deref().unwrap_or_default()) {
                Ok(body) => messages.push(Message { id, body }),
                Err(error) => {
                    // The body may hold personal data; its place in the queue is enough to find it.
                    tracing::error!(message_id = %id, %error, "a message cannot be read");
                    unreadable.insert(id);
                }
            }
        }
        Self { messages, unreadable }
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

/// A queue to send to.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at `url`.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    /// Sends one message, waiting at most `budget`: past it the message may or may not have been sent.
    ///
    /// # Errors
    /// When the queue did not take it in time.
    pub async fn send<T: Serialize>(&self, message: &T, budget: Duration) -> Result<(), Fault> {
        let body = serde_json::to_string(message).map_err(|e| Fault::permanent("writing a message").caused_by(e))?;
        let request = self.client.send_message().queue_url(&self.url).message_body(body).send();
        match tokio::time::timeout(budget, aws::within_deadline("SendMessage", request)).await {
            Err(_) => Err(Fault::transient("SendMessage: its budget passed")),
            Ok(sent) => sent?.map(drop).map_err(|e| aws::fault("SendMessage", e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something that takes a connection and never answers.
    #[tokio::test]
    async fn a_queue_that_hangs_costs_its_budget_and_no_more() -> Result<(), Box<dyn std::error::Error>> {
        let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
        let env = aws::env::Env::of([
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &format!("http://{}", silent.local_addr()?)),
        ]);
        let queue = Queue::new(aws::Sdk::from_env(&env)?.sqs(), "http://127.0.0.1/000000000000/clicks");
        let sent = queue.send(&1, Duration::from_millis(30)).await;
        assert_eq!(sent.err().map(|fault| fault.to_string()).as_deref(), Some("SendMessage: its budget passed"));
        Ok(())
    }

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
}
