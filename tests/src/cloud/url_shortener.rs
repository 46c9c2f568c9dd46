//! The url-shortener deployed: routes, queue, streams, schedule, bus.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::{Cloud, eventually};

use super::{Listener, fresh};

const SCOPES: [&str; 2] = ["links:read", "links:write"];

#[test]
fn shorten_follow_count() -> Result<()> {
    let cloud = Cloud::connect()?;
    let (key, code) = (cloud.key(&fresh("alice"), &SCOPES)?, fresh("cat"));
    let link = json!({"url": "https://a.example/x?y=z", "code": code});
    let created = cloud.call("url-shortener", "POST", "/links", Some(&key), Some(&link))?;
    ensure!(created.status == 201 && created.headers["location"] == format!("/links/{code}"), "{created:?}");
    for header in ["x-content-type-options", "content-security-policy", "strict-transport-security", "x-request-id"] {
        ensure!(created.headers.contains_key(header), "no {header}: {created:?}");
    }
    ensure!(created.headers["cache-control"] == "no-store", "{created:?}");
    ensure!(created.text("short_url")? == format!("{}/{code}", cloud.url("url-shortener")?), "{created:?}");
    for visitor in ["a", "b", "c"] {
        let agent = format!("Mozilla/5.0 (iPhone) Mobile {visitor}");
        let headers = [("user-agent", agent.as_str()), ("referer", "https://www.news.example/")];
        let answer = cloud.send("url-shortener", "GET", &format!("/{code}"), &headers, None)?;
        ensure!(answer.status == 302 && answer.headers["location"] == "https://a.example/x?y=z", "{answer:?}");
        ensure!(answer.headers["cache-control"] == "private, max-age=0", "{answer:?}");
    }
    ensure!(cloud.call("url-shortener", "HEAD", &format!("/{code}"), None, None)?.status == 302, "HEAD follows too");
    let stats = eventually("three clicks to travel queue, stream and stream again", Duration::from_secs(30), || {
        let stats = cloud.call("url-shortener", "GET", &format!("/links/{code}/stats"), Some(&key), None)?;
        ensure!(stats.status == 200 && stats.body["total_clicks"].as_u64() <= Some(3), "{stats:?}");
        Ok((stats.body["total_clicks"] == 3).then_some(stats.body))
    })?;
    ensure!(stats["by_device"] == json!({"mobile": 3}), "{stats}");
    ensure!(stats["by_referrer"] == json!({"news.example": 3}), "{stats}");
    ensure!(stats["by_day"][29]["clicks"] == 3 && stats["by_day"][29]["visitors"] == 3, "{stats}");
    let list = cloud.call("url-shortener", "GET", "/links", Some(&key), None)?;
    ensure!(list.body["items"][0]["code"] == code, "{list:?}");
    Ok(())
}

#[test]
fn others_hear_of_links_created_disabled_and_expired() -> Result<()> {
    let cloud = Cloud::connect()?;
    let mut listener = Listener::of(&cloud, "almanac.url-shortener")?;
    let owner = fresh("alice");
    let (key, cat, dog) = (cloud.key(&owner, &SCOPES)?, fresh("cat"), fresh("dog"));
    for link in [
        json!({"url": "https://a.example", "code": cat}),
        json!({"url": "https://a.example", "code": dog, "ttl_seconds": 1}),
    ] {
        ensure!(cloud.call("url-shortener", "POST", "/links", Some(&key), Some(&link))?.status == 201, "created");
    }
    ensure!(
        cloud.call("url-shortener", "DELETE", &format!("/links/{cat}"), Some(&key), None)?.status == 204,
        "disabled"
    );
    // The schedule runs once a minute, and first a minute after it was made.
    for (detail_type, code, limit) in
        [("LinkCreated", &cat, 20), ("LinkDisabled", &cat, 20), ("LinkExpired", &dog, 150)]
    {
        let heard = eventually(&format!("{detail_type} of {code}"), Duration::from_secs(limit), || {
            let heard = listener.heard(&cloud, detail_type, code)?;
            Ok((!heard.is_empty()).then_some(heard))
        })?;
        ensure!(heard[0]["source"] == "almanac.url-shortener", "{heard:?}");
        let detail = &heard[0]["detail"];
        ensure!(detail["v"] == 1 && detail["owner"] == owner && detail["id"].is_string(), "{detail}");
    }
    let gone = cloud.call("url-shortener", "GET", &format!("/{dog}"), None, None)?;
    ensure!(gone.status == 410 && gone.problem() == "link-expired", "{gone:?}");
    Ok(())
}

#[test]
fn what_no_route_takes_is_a_problem_too() -> Result<()> {
    let cloud = Cloud::connect()?;
    let wrong_method = cloud.call("url-shortener", "PUT", "/links", None, None)?;
    ensure!(wrong_method.status == 405 && wrong_method.headers["allow"] == "POST, GET, HEAD", "{wrong_method:?}");
    ensure!(wrong_method.headers["content-type"] == "application/problem+json", "{wrong_method:?}");
    let too_deep = cloud.call("url-shortener", "GET", "/no/such/path", None, None)?;
    ensure!(too_deep.status == 404 && too_deep.problem() == "link-not-found", "{too_deep:?}");
    let odd = cloud.call("url-shortener", "GET", "/caf%C3%A9%20x", None, None)?;
    ensure!(odd.status == 404 && odd.problem() == "link-not-found", "{odd:?}");
    Ok(())
}

#[test]
fn a_broken_body_is_named_and_nothing_is_stored() -> Result<()> {
    let cloud = Cloud::connect()?;
    let key = cloud.key(&fresh("alice"), &SCOPES)?;
    let headers = [("x-api-key", key.as_str())];
    for (body, status, problem) in [
        ("{\"url\": ", 400, "malformed-body"),
        ("[]", 422, "invalid-body"),
        ("{\"url\": \"https://a.example\", \"colour\": 1}", 422, "invalid-body"),
        ("{\"url\": \"javascript:alert(1)\"}", 422, "target-refused"),
        (&format!("{{\"url\": \"https://a.example/{}\"}}", "x".repeat(300_000)), 413, "body-too-large"),
    ] {
        let answer = cloud.send("url-shortener", "POST", "/links", &headers, Some(body))?;
        ensure!(answer.status == status && answer.problem() == problem, "{answer:?}");
        ensure!(answer.body["instance"].as_str().is_some_and(|id| id.starts_with("urn:uuid:")), "{answer:?}");
    }
    let list = cloud.call("url-shortener", "GET", "/links", Some(&key), None)?;
    ensure!(list.body["items"] == json!([]), "{list:?}");
    Ok(())
}

#[test]
fn a_browser_of_another_origin_may_call() -> Result<()> {
    let cloud = Cloud::connect()?;
    let headers = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-api-key,content-type"),
    ];
    let preflight = cloud.send("url-shortener", "OPTIONS", "/links", &headers, None)?;
    ensure!((200..300).contains(&preflight.status), "{preflight:?}");
    ensure!(preflight.headers["access-control-allow-origin"] == "*", "{preflight:?}");
    ensure!(
        preflight.headers["access-control-allow-headers"].to_ascii_lowercase().contains("x-api-key"),
        "{preflight:?}"
    );
    Ok(())
}

/// What `create_link` sends when the table throttles: `claim_queued` makes the link, and its caller can ask for it.
#[test]
fn a_queued_claim_becomes_a_link() -> Result<()> {
    let cloud = Cloud::connect()?;
    let (owner, code) = (fresh("alice"), fresh("later"));
    let key = cloud.key(&owner, &SCOPES)?;
    let name = format!("{}-url-shortener-claims", cloud.stage());
    let queue = cloud.aws("sqs", "AmazonSQS.GetQueueUrl", &json!({"QueueName": name}))?;
    let link = json!({"code": code, "url": "https://a.example/", "owner": owner, "created_at": 1_800_000_000_000_u64});
    let claim = json!({"v": 1, "link": link, "chosen": true, "dedupe": "no", "scope": format!("{owner}#queued"),
                       "key": code, "fingerprint": ""});
    let message = json!({"QueueUrl": queue["QueueUrl"], "MessageBody": claim.to_string()});
    cloud.aws("sqs", "AmazonSQS.SendMessage", &message)?;
    eventually("the link to be made", Duration::from_secs(30), || {
        let answer = cloud.call("url-shortener", "GET", &format!("/links/{code}"), Some(&key), None)?;
        Ok((answer.status == 200).then_some(()))
    })
}
