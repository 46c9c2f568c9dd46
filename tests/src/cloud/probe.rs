//! Each kind of trigger that no product has yet, deployed: priorities, what is due later, buckets, WebSockets, traces.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Cloud, eventually};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};
use types::{Trace, random};

use super::{fresh, records};

const LIMIT: Duration = Duration::from_secs(60);

/// What a handler noted under this name: how, and how often.
fn seen(cloud: &Cloud, what: &str) -> Result<Option<(String, String)>> {
    let key = json!({"pk": {"S": format!("SEEN#{what}")}, "sk": {"S": "SEEN"}});
    let ask = json!({"TableName": format!("{}-probe", cloud.stage()), "Key": key, "ConsistentRead": true});
    let item = cloud.aws("dynamodb", "DynamoDB_20120810.GetItem", &ask)?["Item"].clone();
    let text = |name: &str, kind: &str| item[name][kind].as_str().map(str::to_owned);
    Ok(text("how", "S").zip(text("times", "N")))
}

fn wait_for(cloud: &Cloud, what: &str) -> Result<(String, String)> {
    eventually(what, LIMIT, || seen(cloud, what))
}

fn send(cloud: &Cloud, headers: &[(&str, &str)], message: &Value) -> Result<()> {
    let answer = cloud.send("probe", "POST", "/messages", headers, Some(&message.to_string()))?;
    ensure!(answer.status == 204, "{} {}", answer.status, answer.body);
    Ok(())
}

#[test]
fn each_priority_has_its_queue() -> Result<()> {
    let cloud = Cloud::connect()?;
    for priority in ["low", "normal", "high"] {
        let id = fresh(priority);
        send(&cloud, &[], &json!({"id": id, "priority": priority}))?;
        assert_eq!(wait_for(&cloud, &id)?, (priority.to_owned(), "1".to_owned()));
    }
    let refused = cloud.call("probe", "POST", "/messages", None, Some(&json!({"id": "x", "priority": "urgent"})))?;
    assert_eq!((refused.status, refused.problem()), (400, "no-such-priority"));
    Ok(())
}

#[test]
fn what_is_due_later_comes_when_it_is_due_and_once() -> Result<()> {
    let cloud = Cloud::connect()?;
    let (soon, late) = (fresh("soon"), fresh("late"));
    send(&cloud, &[], &json!({"id": soon, "priority": "high", "in_seconds": 1}))?;
    send(&cloud, &[], &json!({"id": late, "priority": "high", "in_seconds": 3600}))?;
    // The schedule sweeps too, perhaps at the same time.
    let seen = eventually("what is due to be swept and delivered", LIMIT, || {
        cloud.invoke("probe/sweep_due", &json!({}))?;
        seen(&cloud, &soon)
    });
    assert_eq!(seen?, ("high".to_owned(), "1".to_owned()));
    cloud.invoke("probe/sweep_due", &json!({}))?;
    assert_eq!(self::seen(&cloud, &soon)?, Some(("high".to_owned(), "1".to_owned())));
    assert_eq!(self::seen(&cloud, &late)?, None);
    Ok(())
}

#[test]
fn an_object_that_is_put_is_told_of_by_its_key() -> Result<()> {
    let cloud = Cloud::connect()?;
    let bucket = format!("{}-probe-media-000000000000", cloud.stage());
    let name = random::base62(8);
    cloud.put_object(&bucket, &format!("in/{name}%20red%2B%C3%A4.txt"), "hello")?;
    assert_eq!(wait_for(&cloud, &format!("in/{name} red+ä.txt"))?.0, "5 bytes");
    Ok(())
}

#[test]
fn a_trace_goes_through_the_queue_to_the_workers_log() -> Result<()> {
    let cloud = Cloud::connect()?;
    let (direct, later) = (Trace::start(), Trace::start());
    let parents = [direct.to_string(), later.to_string()];
    send(&cloud, &[("traceparent", &parents[0])], &json!({"id": fresh("traced"), "priority": "low"}))?;
    let delayed = json!({"id": fresh("traced"), "priority": "low", "in_seconds": 1});
    send(&cloud, &[("traceparent", &parents[1])], &delayed)?;
    for trace in [direct, later] {
        let id = Value::from(trace.trace_id());
        let of_trace = |line: &Value| {
            let linked = line["linked_traces"].as_array().is_some_and(|linked| linked.contains(&id));
            line["trace_id"] == id || linked
        };
        let lines = eventually("both functions to have logged the trace", LIMIT, || {
            cloud.invoke("probe/sweep_due", &json!({}))?;
            let lines: Vec<Value> = records(&cloud, "probe", "")?.into_iter().filter(of_trace).collect();
            let both = ["send_message", "deliver"].iter().all(|name| lines.iter().any(|line| line["handler"] == *name));
            Ok(both.then_some(lines))
        })?;
        let own = lines.iter().find(|line| line["handler"] == "send_message").context("it was there")?;
        ensure!(own["trace_id"] == id && own["span_id"] != trace.span_id(), "a step of its own: {own}");
    }
    Ok(())
}

/// A client of a WebSocket API.
pub(super) struct Client(WebSocket<TcpStream>);

impl Client {
    fn connect(cloud: &Cloud, key: Option<&str>) -> Result<Self> {
        Self::open(cloud.socket_url("probe")?, key)
    }

    /// Opens a connection; a key goes as `X-Api-Key`.
    pub(super) fn open(url: &str, key: Option<&str>) -> Result<Self> {
        let mut request = url.into_client_request()?;
        if let Some(key) = key {
            request.headers_mut().insert("x-api-key", key.parse()?);
        }
        let address = request.uri().authority().context("a URL has an authority")?.as_str().to_owned();
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(LIMIT))?;
        let (socket, _) = tungstenite::client(request, stream).map_err(|e| anyhow::anyhow!("{e}"))?;
        Ok(Self(socket))
    }

    pub(super) fn say(&mut self, text: &str) -> Result<()> {
        Ok(self.0.send(Message::text(text))?)
    }

    pub(super) fn hear(&mut self) -> Result<String> {
        loop {
            if let Message::Text(text) = self.0.read()? {
                return Ok(text.as_str().to_owned());
            }
        }
    }
}

#[test]
fn a_websocket_is_opened_by_who_may_and_echoes_broadcasts_and_closes() -> Result<()> {
    let cloud = Cloud::connect()?;
    let (owner, reader) = (fresh("socket"), fresh("reader"));
    ensure!(Client::connect(&cloud, None).is_err(), "nobody");
    ensure!(Client::connect(&cloud, Some(&cloud.key(&reader, &["probe:read"])?)).is_err(), "without the scope");

    let key = cloud.key(&owner, &["probe:write"])?;
    let (mut one, mut other) = (Client::connect(&cloud, Some(&key))?, Client::connect(&cloud, Some(&key))?);
    one.say("hello")?;
    let heard = one.hear()?;
    let [caller, connection, text] = heard.split(' ').collect::<Vec<_>>()[..] else { anyhow::bail!("{heard}") };
    assert_eq!((caller, text), (owner.as_str(), "hello"), "the authorizer's answer comes with a message");
    one.say("refuse")?;
    let problem: Value = serde_json::from_str(&one.hear()?)?;
    assert_eq!((&problem["type"], &problem["status"]), (&json!("/problems/probe/refused"), &json!(400)));

    let all = json!({"action": "broadcast", "text": random::base62(8)}).to_string();
    one.say(&all)?;
    assert_eq!((one.hear()?, other.hear()?), (all.clone(), all.clone()));

    one.0.close(None)?;
    assert_eq!(wait_for(&cloud, connection)?.0, "closed");
    let rest = json!({"action": "broadcast", "text": random::base62(8)}).to_string();
    other.say(&rest)?;
    assert_eq!(other.hear()?, rest);
    Ok(())
}
