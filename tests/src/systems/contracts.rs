//! What one system really publishes is what another one takes.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use notifications::events::Requested;
use serde_json::{Value, json};
use testkit::{Delivery, Faults, Template, World, repository};

use super::{notifications as told, url_shortener as telling};

const ALICE: Option<(&str, &str, &str)> = Some(("alice", "links:read links:write", "pro"));

/// An entry of `PutEvents` as EventBridge hands it to a target.
fn handed_over(entry: &Value) -> Result<Value> {
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().context("a detail")?)?;
    Ok(json!({
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": "123456789012",
        "time": "2027-01-15T08:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }))
}

/// What the url-shortener asks for when `cat` is used up and `dog` expires within a day.
async fn asked() -> Result<Vec<Value>> {
    let mut world = telling::WORLDS.make_with(&[], Some(Faults::seeded(1))).await?;
    for link in [json!({"code": "cat", "max_clicks": 1}), json!({"code": "dog", "ttl_seconds": 90_000})] {
        let mut link = link;
        link["url"] = "https://a.example".into();
        let answer = world.http("POST", "/links", &[], Some(&link), ALICE).await?;
        ensure!(answer["statusCode"] == 201, "{answer}");
    }
    world.http("GET", "/cat", &[], None, None).await?;
    world.clock.advance(Duration::from_secs(3600));
    world.invoke("sweep_expired", &json!({})).await?;
    world.stream("publish_changes", Delivery::Once).await?;
    let published = world.published();
    let asked = published.iter().filter(|entry| entry["DetailType"] == "NotificationRequested");
    asked.map(handed_over).collect()
}

async fn take(world: &mut World<notifications::App>, events: &[Value]) -> Result<Value> {
    let record = |(number, event): (usize, &Value)| json!({"messageId": format!("m{number}"), "body": event.to_string(), "attributes": {}, "messageAttributes": {}});
    let records: Vec<Value> = events.iter().enumerate().map(record).collect();
    world.invoke("take_requests", &json!({"Records": records})).await
}

#[tokio::test]
async fn notifications_takes_what_url_shortener_asks_for() -> Result<()> {
    let events = asked().await?;
    let kinds = events.iter().map(|event| Ok(serde_json::from_value::<Requested>(event.clone())?.detail.kind));
    assert_eq!(kinds.collect::<Result<Vec<_>>>()?, ["link_used_up", "link_expiring"]);
    let mut world = told::WORLDS.make(&[]).await?;
    // Delivered again, they are the same notifications.
    for _ in 0..2 {
        let answer = take(&mut world, &events).await?;
        assert_eq!(answer["batchItemFailures"], json!([]));
    }
    world.stream("forward_rest", Delivery::Once).await?;
    world.drain("deliver", Delivery::Once).await?;
    for (tenant, expected) in [("alice", ["A link expires soon", "A link is used up"].as_slice()), ("bob", &[])] {
        let caller = Some((tenant, "users:read", "pro"));
        let answer = world.http("GET", "/users/account/inbox", &[], None, caller).await?;
        let inbox: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        let items = inbox["items"].as_array().with_context(|| answer.to_string())?;
        let mut titles: Vec<&str> = items.iter().filter_map(|item| item["title"].as_str()).collect();
        titles.sort_unstable();
        assert_eq!(titles, expected, "{answer}");
    }
    Ok(())
}

/// The rule of the bus lets through what the sample is, and the sample is what the consumer decodes.
#[test]
fn the_sample_of_url_shortener_is_one_that_notifications_takes() -> Result<()> {
    let path = repository().join("events/url-shortener/NotificationRequested.json");
    let sample: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let request: Requested = serde_json::from_value(sample.clone())?;
    assert_eq!(request.source, url_shortener::events::SOURCE);
    assert_eq!((request.detail.v, request.detail.user_id.as_str()), (1, url_shortener::events::ACCOUNT));
    let template = Template::of_system("notifications")?;
    let types: Vec<&Value> = template
        .resources("AWS::Events::Rule")
        .filter_map(|(_, rule)| rule["EventPattern"]["detail-type"].as_array())
        .flatten()
        .collect();
    assert_eq!(types, [&sample["detail-type"]]);
    Ok(())
}
