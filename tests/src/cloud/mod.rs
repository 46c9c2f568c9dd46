//! The deployed stacks, called as clients call them: every Lambda with its real role, authorizer and event source.

mod access;
mod identity;
mod url_shortener;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use testkit::Cloud;
use types::random;

/// A name that no other test uses.
fn fresh(what: &str) -> String {
    format!("{what}-{}", random::base62(8))
}

/// A queue that hears the stage's events.
struct Listener {
    url: String,
    heard: BTreeMap<String, Vec<Value>>,
}

impl Listener {
    /// Hears events of `source` from now on.
    fn of(cloud: &Cloud, source: &str) -> Result<Self> {
        let name = fresh("listener");
        let queue = cloud.aws("sqs", "AmazonSQS.CreateQueue", &json!({"QueueName": name}))?;
        let url = queue["QueueUrl"].as_str().context("a queue has a URL")?.to_owned();
        let bus = format!("{}-almanac", cloud.stage());
        let rule = json!({"Name": name, "EventBusName": bus, "EventPattern": json!({"source": [source]}).to_string()});
        cloud.aws("events", "AWSEvents.PutRule", &rule)?;
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
        let target = json!({"Rule": name, "EventBusName": bus, "Targets": [{"Id": "queue", "Arn": arn}]});
        cloud.aws("events", "AWSEvents.PutTargets", &target)?;
        Ok(Self { url, heard: BTreeMap::new() })
    }

    /// Events of this type heard so far whose detail has `code`.
    fn heard(&mut self, cloud: &Cloud, detail_type: &str, code: &str) -> Result<Vec<Value>> {
        let ask =
            json!({"QueueUrl": self.url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0, "VisibilityTimeout": 600});
        let answer = cloud.aws("sqs", "AmazonSQS.ReceiveMessage", &ask)?;
        for message in answer["Messages"].as_array().into_iter().flatten() {
            let event: Value = serde_json::from_str(message["Body"].as_str().unwrap_or_default())?;
            let kind = event["detail-type"].as_str().unwrap_or_default().to_owned();
            self.heard.entry(kind).or_default().push(event);
        }
        let all = self.heard.get(detail_type).cloned().unwrap_or_default();
        Ok(all.into_iter().filter(|event| event["detail"]["code"] == code).collect())
    }
}
