//! Queues by priority.
//!
//! Each priority is a queue of its own (`{stage}-{system}-{queue}-high`), and all are mapped to one function. A mapping
//! polls by itself and has its own `MaximumConcurrency` (AWS: per event source, 2 to 1,000), so ten thousand low
//! messages wait for each other and never before a high one. What a queue cannot deliver goes to one
//! `{stage}-{system}-{queue}-dead`.

use std::fmt;

use aws::env::Env;
use aws_sdk_sqs::Client;
use serde::{Deserialize, Serialize};
use types::Fault;

use crate::send::{NotSent, Outgoing, Queue};

/// How urgent a message is; the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Priority {
    Critical,
    High,
    Normal,
    Low,
}

impl Priority {
    /// All, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// As queues are called: `high`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// The priority of a queue by the end of its name, URL or ARN.
    pub fn of_queue(name: &str) -> Option<Self> {
        let last = name.rsplit('-').next();
        Self::ALL.into_iter().find(|priority| last == Some(priority.name()))
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_says_its_priority_by_the_end_of_its_name() {
        for priority in Priority::ALL {
            let arn = format!("arn:aws:sqs:us-east-1:000000000000:dev-zoo-high-meals-{priority}");
            assert_eq!(Priority::of_queue(&arn), Some(priority));
        }
        assert_eq!(Priority::of_queue("arn:aws:sqs:us-east-1:000000000000:dev-zoo-meals-dead"), None);
        assert_eq!(Priority::of_queue("dev-zoo-high-meals"), None);
        assert!(Priority::Critical < Priority::Low);
    }
}
