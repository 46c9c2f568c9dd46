//! Queues by priority.
//!
//! Each priority is a queue of its own (`{stage}-{system}-{queue}-high`), and all are mapped to one function. A mapping
//! polls by itself and has its own `MaximumConcurrency` (AWS: per event source, 2 to 1,000), so ten thousand low
//! messages wait for each other and never before a high one. What a queue cannot deliver goes to one
//! `{stage}-{system}-{queue}-dead`.

use aws::env::Env;
use aws_sdk_sqs::Client;
use types::{Fault, Priority};

use crate::send::{NotSent, Outgoing, Queue};

/// The queues of one kind of message, one for each priority that it has.
#[derive(Debug, Clone)]
pub struct PriorityQueue(Vec<(Priority, Queue)>);

impl PriorityQueue {
    /// Reads `{NAME}_{PRIORITY}_QUEUE_URL` for each priority: `DELIVERIES_HIGH_QUEUE_URL`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn from_env(env: &Env, client: &Client, name: &str, priorities: &[Priority]) -> Result<Self, Fault> {
        let queue = |&priority: &Priority| {
            let url = env.require(&format!("{name}_{}_QUEUE_URL", priority.name().to_uppercase()))?;
            Ok((priority, Queue::new(client.clone(), url)))
        };
        priorities.iter().map(queue).collect::<Result<_, _>>().map(Self)
    }

    /// The queue of a priority.
    ///
    /// # Errors
    /// For a priority that it was not made with.
    pub fn of(&self, priority: Priority) -> Result<&Queue, Fault> {
        let found = self.0.iter().find(|(own, _)| *own == priority).map(|(_, queue)| queue);
        found.ok_or_else(|| Fault::permanent(format!("there is no queue of priority {priority}")))
    }

    /// Sends one message.
    ///
    /// # Errors
    /// As [`Queue::send_one`] and [`PriorityQueue::of`].
    pub async fn send(&self, priority: Priority, message: &Outgoing) -> Result<(), Fault> {
        self.of(priority)?.send_one(message).await
    }

    /// Sends messages of one priority; says which were not sent.
    ///
    /// # Errors
    /// As [`PriorityQueue::of`].
    pub async fn send_all(&self, priority: Priority, messages: &[Outgoing]) -> Result<Vec<NotSent>, Fault> {
        Ok(self.of(priority)?.send_all(messages).await)
    }
}
