//! How urgent things are.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How urgent a message is; the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
