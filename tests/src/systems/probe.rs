//! The probe's Lambdas in process: priorities, what is due later, buckets, WebSockets, traces.

use std::time::Duration;

use anyhow::Result;
use aws::Sdk;
use aws::env::Env;
use probe::{App, system};
use serde_json::{Value, json};
use testkit::{Delivery, World, Worlds, play};
use types::{Trace, random};
use work::{LONGEST_DELAY, Outgoing, Queue};

const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

#[test]
fn messages_wait_by_priority_or_until_they_are_due() {
    play(
        &WORLDS,
        &[],
        "anon   POST /messages {id: a, priority: low}                     204
         anon   POST /messages {id: b, priority: high}                    204
         anon   POST /messages {id: c, priority: urgent}                  400 no-such-priority
         queue  deliver 2
         anon   POST /messages {id: d, priority: high, in_seconds: 1800}  204
         anon   POST /messages {id: e, priority: low, in_seconds: 7200}   204
         schedule sweep_due
         queue  deliver 0
         clock  +30m
         schedule sweep_due
         schedule sweep_due
         queue  deliver 1
         clock  +3h
         schedule sweep_due
         queue  deliver twice",
    );
}

/// The most urgent first, each batch of one queue; and each record names the trace of who sent.
#[tokio::test]
async fn a_worker_goes_on_with_its_senders_traces() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    let (one, other) = (Trace::start(), Trace::start());
    for (priority, trace) in [("low", &one), ("low", &other), ("high", &one)] {
        let headers = [("traceparent".to_owned(), trace.to_string()), ("tracestate".to_owned(), "a=1".to_owned())];
        let body = json!({"id": random::base62(8), "priority": priority});
        world.http("POST", "/messages", &headers, Some(&body), None).await?;
    }
    let invalid = [("traceparent".to_owned(), "00-0-0-00".to_owned())];
    world.http("POST", "/messages", &invalid, Some(&json!({"id": "x", "priority": "normal"})), None).await?;
    world.drain("deliver", Delivery::Once).await?;
    let traces: Vec<_> = world.records.iter().map(|record| (record.handler, record.trace.trace_id())).collect();
    let linked: Vec<usize> = world.records.iter().map(|record| record.linked_traces.len()).collect();
    let (one, other) = (one.trace_id(), other.trace_id());
    assert_eq!(traces[0..3].iter().map(|(_, id)| id).collect::<Vec<_>>(), [&one, &other, &one]);
    assert_eq!(traces[4], ("deliver", one.clone()), "high");
    assert_eq!(traces[5], ("deliver", traces[3].1.clone()), "normal: a trace that was started for an invalid one");
    assert_ne!(traces[6].1, one, "low: a batch of two traces has its own");
    assert_eq!(world.records[6].linked_traces.iter().collect::<std::collections::BTreeSet<_>>(), [&one, &other].into());
    assert_eq!(linked, [0, 0, 0, 0, 0, 0, 2]);
    Ok(())
}

async fn socket(world: &mut World<App>, handler: &str, route: &str, scopes: &str, body: &str) -> Result<Value> {
    let context = json!({
        "routeKey": route, "connectionId": "c-1", "domainName": "x", "stage": "dev", "connectedAt": 1,
        "authorizer": {"caller": if scopes.is_empty() { "" } else { "alice" }, "scopes": scopes},
    });
    world.invoke(handler, &json!({"requestContext": context, "body": body, "isBase64Encoded": false})).await
}

#[tokio::test]
async fn a_websockets_routes_are_held_to_their_access() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    for (scopes, status) in [("", 401), ("probe:read", 403), ("probe:write", 200)] {
        for (handler, route) in [("on_connect", "$connect"), ("echo", "$default"), ("broadcast", "broadcast")] {
            if handler == "broadcast" && status == 200 {
                continue; // its connections are the deployed tests'
            }
            let answer = socket(&mut world, handler, route, scopes, "hi").await?;
            assert_eq!(answer["statusCode"], status, "{handler} {answer}");
        }
        assert_eq!(socket(&mut world, "on_disconnect", "$disconnect", scopes, "").await?["statusCode"], 200);
    }
    let refused = world.records.iter().filter(|record| record.refusal == Some("insufficient-scope")).count();
    assert_eq!(refused, 3);
    let unknown = world.invoke("echo", &json!({})).await?;
    assert_eq!(unknown["statusCode"], 500, "an event that cannot be read is our fault, and opaque: {unknown}");
    Ok(())
}

#[tokio::test]
async fn an_upload_is_told_and_a_test_event_is_ignored() -> Result<()> {
    let mut world = WORLDS.make(&[]).await?;
    let put = json!({"Records": [{
        "eventName": "ObjectCreated:Put", "eventTime": "2026-11-22T10:00:00.000Z",
        "s3": {"bucket": {"name": "b"}, "object": {"key": "a+b", "size": 1, "sequencer": "01"}},
    }]});
    world.invoke("on_upload", &put).await?;
    assert_eq!(world.records[0].meter.write_units, 1.0);
    world.invoke("on_upload", &json!({"Service": "Amazon S3", "Event": "s3:TestEvent"})).await?;
    assert_eq!(world.records[1].meter.calls.len(), 0);
    Ok(())
}

/// A batch is split as SQS takes it, and one message that cannot be sent keeps none of the others back.
#[tokio::test]
async fn a_batch_is_sent_but_for_what_cannot_be() -> Result<()> {
    let sdk = Sdk::from_env(&Env::of_process())?;
    let name = random::base62(12);
    let made = sdk.sqs().create_queue().queue_name(&name).send().await?;
    let queue = Queue::new(sdk.sqs(), made.queue_url().unwrap_or_default());
    let mut messages = (0..23).map(|number| Outgoing::new(&number)).collect::<Result<Vec<_>, _>>()?;
    messages[4] = Outgoing::new(&4)?.after(LONGEST_DELAY * 2);
    messages[17] = Outgoing::new(&"x".repeat(1_100_000))?;
    let not_sent: Vec<usize> = queue.send_all(&messages).await.into_iter().map(|each| each.index).collect();
    assert_eq!(not_sent, [4, 17]);
    let mut received = std::collections::BTreeSet::new();
    loop {
        let batch = sdk.sqs().receive_message().queue_url(made.queue_url().unwrap_or_default());
        let batch = batch.max_number_of_messages(10).send().await?;
        if batch.messages().is_empty() {
            break;
        }
        received.extend(batch.messages().iter().filter_map(|message| message.body()?.parse::<usize>().ok()));
    }
    assert_eq!(received, (0..23).filter(|number| ![4, 17].contains(number)).collect());
    let gone = Queue::new(sdk.sqs(), format!("{}-gone", made.queue_url().unwrap_or_default()));
    let all: Vec<usize> = gone.send_all(&messages[..3]).await.into_iter().map(|each| each.index).collect();
    assert_eq!(all, [0, 1, 2], "a call that fails as a whole");
    let late = tokio::time::timeout(Duration::from_secs(20), gone.send_one(&messages[0])).await?;
    assert!(late.is_err_and(|fault| !fault.is_transient()));
    Ok(())
}
