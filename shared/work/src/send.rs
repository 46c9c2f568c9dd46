//! SQS: messages out.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use serde::Serialize;
use types::{Fault, Trace};

pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const TRACESTATE: &str = "tracestate";
/// Most entries of one `SendMessageBatch`.
const MOST_ENTRIES: usize = 10;
/// Largest message, and largest sum of a batch's messages, attributes included: 1 MiB (SQS quotas, since August 2025).
const MOST_BYTES: usize = 1_048_576;
/// Longest time that SQS keeps a message back; what is due later waits in [`crate::DueBuckets`].
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// A queue to send to. Messages carry the trace of the invocation under way as attributes.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

/// A message as it is sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    body: String,
    delay: Duration,
    trace: Option<Trace>,
    group: Option<String>,
}

/// A message of a batch that was not sent (or whose sending is unknown, where the fault is a timeout).
#[derive(Debug)]
pub struct NotSent {
    /// Its place among the messages.
    pub index: usize,
    /// Why; transient where sending it again may help.
    pub fault: Fault,
}

impl Outgoing {
    /// A message to be delivered at once, of the trace of the invocation under way.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn new<T: Serialize>(message: &T) -> Result<Self, Fault> {
        let body = serde_json::to_string(message).map_err(|e| Fault::permanent("writing a message").caused_by(e))?;
        Ok(Self { body, delay: Duration::ZERO, trace: aws::trace(), group: None })
    }

    /// A message that is JSON already, of a trace of its own.
    pub(crate) fn written(body: String, trace: Option<Trace>) -> Self {
        Self { body, delay: Duration::ZERO, trace, group: None }
    }

    /// Says whose it is: a standard queue then lets nobody wait behind the backlog of somebody else (SQS Developer
    /// Guide, *Fair queues*).
    #[must_use]
    pub fn of(mut self, tenant: &str) -> Self {
        // What SQS takes as a group.
        let is_group = (1..=128).contains(&tenant.len()) && tenant.bytes().all(|byte| byte.is_ascii_graphic());
        self.group = is_group.then(|| tenant.to_owned());
        self
    }

    /// Keeps it back for `delay`, in whole seconds and at most [`LONGEST_DELAY`].
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    fn attributes(&self) -> impl Iterator<Item = (&'static str, String)> {
        let trace = self.trace.as_ref();
        let state = trace.map(|trace| trace.state().to_owned()).filter(|state| !state.is_empty());
        let parent = trace.map(|trace| (TRACEPARENT, trace.to_string()));
        parent.into_iter().chain(state.map(|state| (TRACESTATE, state)))
    }

    /// What it counts for: body, and name, type and value of each attribute.
    fn bytes(&self) -> usize {
        let attributes = self.attributes().map(|(name, value)| name.len() + "String".len() + value.len());
        self.body.len() + attributes.sum::<usize>()
    }

    fn check(&self) -> Result<(), Fault> {
        if self.delay > LONGEST_DELAY {
            return Err(Fault::permanent(format!("a message cannot wait {:?} in a queue: use DueBuckets", self.delay)));
        }
        if self.bytes() > MOST_BYTES {
            return Err(Fault::permanent(format!("a message of {} bytes is too large for a queue", self.bytes())));
        }
        Ok(())
    }

    fn delay_seconds(&self) -> Option<i32> {
        let seconds = i32::try_from(self.delay.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        (seconds > 0).then_some(seconds)
    }
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
        let message = Outgoing::new(message)?;
        tokio::time::timeout(budget, self.send_one(&message))
            .await
            .unwrap_or_else(|_| Err(Fault::transient("SendMessage: its budget passed")))
    }

    /// Sends one message, within the invocation's deadline.
    ///
    /// # Errors
    /// When the queue did not take it, its delay is too long, or it is too large.
    pub async fn send_one(&self, message: &Outgoing) -> Result<(), Fault> {
        message.check()?;
        let mut request = self.client.send_message().queue_url(&self.url).message_body(&message.body);
        for (name, value) in message.attributes() {
            request = request.message_attributes(name, attribute(value)?);
        }
        request = request.set_delay_seconds(message.delay_seconds()).set_message_group_id(message.group.clone());
        let sent = aws::within_deadline("SendMessage", request.send()).await?;
        sent.map(drop).map_err(|e| aws::fault("SendMessage", e))
    }

    /// Sends messages, up to ten and 1 MiB to a call, and says which were not sent. One that is refused does not keep
    /// the others back.
    #[must_use = "what was not sent is to be sent again"]
    pub async fn send_all(&self, messages: &[Outgoing]) -> Vec<NotSent> {
        let mut not_sent = Vec::new();
        let mut fit = Vec::with_capacity(messages.len());
        for (index, message) in messages.iter().enumerate() {
            match message.check() {
                Ok(()) => fit.push((index, message)),
                Err(fault) => not_sent.push(NotSent { index, fault }),
            }
        }
        for call in calls(&fit) {
            match self.send_call(call).await {
                Ok(refused) => not_sent.extend(refused),
                Err(fault) => not_sent.extend(call.iter().map(|&(index, _)| {
                    let again = if fault.is_transient() { Fault::transient } else { Fault::permanent };
                    NotSent { index, fault: again(fault.chain()) }
                })),
            }
        }
        not_sent
    }

    async fn send_call(&self, call: &[(usize, &Outgoing)]) -> Result<Vec<NotSent>, Fault> {
        let mut request = self.client.send_message_batch().queue_url(&self.url);
        for &(index, message) in call {
            let mut entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(&message.body);
            for (name, value) in message.attributes() {
                entry = entry.message_attributes(name, attribute(value)?);
            }
            let entry = entry.set_delay_seconds(message.delay_seconds());
            let entry = entry.set_message_group_id(message.group.clone()).build();
            request = request.entries(entry.map_err(|e| Fault::permanent("building a message").caused_by(e))?);
        }
        let output = aws::within_deadline("SendMessageBatch", request.send()).await?;
        let output = output.map_err(|e| aws::fault("SendMessageBatch", e))?;
        let refused = output.failed().iter().filter_map(|failed| {
            let what =
                format!("SendMessageBatch refused a message: {} {}", failed.code(), failed.message().unwrap_or("-"));
            let fault = if failed.sender_fault() { Fault::permanent(what) } else { Fault::transient(what) };
            Some(NotSent { index: failed.id().parse().ok()?, fault })
        });
        Ok(refused.collect())
    }
}

/// Splits messages into what one call takes.
fn calls<'a, 'b>(messages: &'a [(usize, &'b Outgoing)]) -> Vec<&'a [(usize, &'b Outgoing)]> {
    let (mut calls, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (at, (_, message)) in messages.iter().enumerate() {
        if at - from == MOST_ENTRIES || (at > from && bytes + message.bytes() > MOST_BYTES) {
            calls.push(&messages[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += message.bytes();
    }
    calls.push(&messages[from..]);
    calls.retain(|call| !call.is_empty());
    calls
}

fn attribute(value: String) -> Result<MessageAttributeValue, Fault> {
    let built = MessageAttributeValue::builder().data_type("String").string_value(value).build();
    built.map_err(|e| Fault::permanent("building an attribute").caused_by(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    fn of(bytes: usize, trace: Option<&Trace>) -> Outgoing {
        Outgoing::written("x".repeat(bytes), trace.cloned())
    }

    #[test]
    fn a_messages_size_counts_its_attributes() {
        let trace = Trace::parse(&Trace::start().to_string(), "a=1");
        assert_eq!(of(10, None).bytes(), 10);
        assert_eq!(of(10, trace.as_ref()).bytes(), 10 + (11 + 6 + 55) + (10 + 6 + 3));
        assert!(of(MOST_BYTES, None).check().is_ok() && of(MOST_BYTES, trace.as_ref()).check().is_err());
        assert!(of(1, None).after(LONGEST_DELAY).check().is_ok());
        let late = of(1, None).after(LONGEST_DELAY + Duration::from_millis(1)).check();
        assert!(late.is_err_and(|fault| !fault.is_transient() && fault.to_string().contains("use DueBuckets")));
        let delays = [0, 1, 1000, 1001].map(|millis| of(1, None).after(Duration::from_millis(millis)).delay_seconds());
        assert_eq!(delays, [None, Some(1), Some(1), Some(2)], "never early");
    }

    proptest! {
        #[test]
        fn calls_hold_every_message_in_order_and_no_more_than_they_may(
            sizes in prop::collection::vec(prop_oneof![0..2000_usize, 0..MOST_BYTES], 0..30),
        ) {
            let messages: Vec<Outgoing> = sizes.iter().map(|&size| of(size, None)).collect();
            let indexed: Vec<(usize, &Outgoing)> = messages.iter().enumerate().collect();
            let calls = calls(&indexed);
            let all: Vec<usize> = calls.iter().flat_map(|call| call.iter().map(|(index, _)| *index)).collect();
            prop_assert_eq!(all, (0..sizes.len()).collect::<Vec<_>>());
            for call in &calls {
                prop_assert!((1..=MOST_ENTRIES).contains(&call.len()));
                prop_assert!(call.iter().map(|(_, message)| message.bytes()).sum::<usize>() <= MOST_BYTES);
            }
            for pair in calls.windows(2) {
                let together = pair[0].iter().map(|(_, m)| m.bytes()).sum::<usize>() + pair[1][0].1.bytes();
                prop_assert!(pair[0].len() == MOST_ENTRIES || together > MOST_BYTES, "a call that could hold more");
            }
        }
    }
}
