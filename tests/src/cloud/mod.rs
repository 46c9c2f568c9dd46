//! The deployed stacks, called as clients call them: every Lambda with its real role, authorizer and event source.

pub(crate) mod access;
mod identity;
mod ledger;
mod limits;
mod notifications;
mod permissions;
mod probe;
mod rate_limiter;
mod url_shortener;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Cloud, eventually};
use types::random;

/// A name that no other test uses.
pub(crate) fn fresh(what: &str) -> String {
    format!("{what}-{}", random::base62(8))
}

/// Lines of a system's log that are metrics of one invocation and have this word.
pub(crate) fn records(cloud: &Cloud, system: &str, with: &str) -> Result<Vec<Value>> {
    let lines = log(cloud, system, with)?;
    let json = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line.trim()).ok());
    Ok(json.filter(|line| line["_aws"].is_object()).collect())
}

/// Lines of a system's log that have this word; all of them for an empty one.
fn log(cloud: &Cloud, system: &str, with: &str) -> Result<Vec<String>> {
    let (mut lines, mut token) = (Vec::new(), Value::Null);
    loop {
        let mut ask = json!({"logGroupName": format!("/almanac/{}/{system}", cloud.stage()), "filterPattern": with});
        if token.is_string() {
            ask["nextToken"] = token;
        }
        let page = cloud.aws("logs", "Logs_20140328.FilterLogEvents", &ask)?;
        let events = page["events"].as_array().into_iter().flatten();
        lines.extend(events.filter_map(|event| event["message"].as_str().map(str::to_owned)));
        token = page["nextToken"].clone();
        if !token.is_string() {
            return Ok(lines);
        }
    }
}

/// No Lambda is deployed that no test calls: each leaves its line, and none of them failed on our side.
#[test]
fn every_lambda_has_run_and_none_has_failed() -> Result<()> {
    let cloud = Cloud::connect()?;
    let handlers = |rows: Vec<&'static str>, system| rows.into_iter().map(move |handler| (system, handler));
    let identity = ::identity::system().rows().iter().map(|row| row.handler).collect();
    let shortener = ::url_shortener::system().rows().iter().map(|row| row.handler).collect();
    let notifications = ::notifications::system().rows().iter().map(|row| row.handler).collect();
    let ledger = ::ledger::system().rows().iter().map(|row| row.handler).collect();
    let limiter = ::rate_limiter::system().rows().iter().map(|row| row.handler).collect();
    let probe = ::probe::system().rows().iter().map(|row| row.handler).collect();
    let all = [
        handlers(identity, "identity"),
        handlers(shortener, "url-shortener"),
        handlers(probe, "probe"),
        handlers(notifications, "notifications"),
        handlers(limiter, "rate-limiter"),
        handlers(ledger, "ledger"),
    ];
    let mut waiting: Vec<_> = all.into_iter().flatten().collect();
    // The other tests call them meanwhile, some only after the longest of them has left its thread.
    let done = eventually("every Lambda to be called by some test", Duration::from_secs(600), || {
        for system in ["identity", "url-shortener", "rate-limiter", "notifications", "ledger", "probe"] {
            for record in records(&cloud, system, "ERROR")? {
                ensure!(record["fault"].is_null(), "a Lambda failed: {record}");
            }
        }
        // Of each by itself: thousands of made-up requests fill the logs.
        let mut still = Vec::new();
        for (system, handler) in waiting.drain(..) {
            let records = records(&cloud, system, handler)?;
            if records.iter().all(|record| record["handler"] != handler) {
                still.push((system, handler));
            }
        }
        waiting = still;
        Ok(waiting.is_empty().then_some(()))
    });
    done.with_context(|| format!("not called: {waiting:?}"))
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
