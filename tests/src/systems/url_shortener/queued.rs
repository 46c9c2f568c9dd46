//! Links that are asked for while the table throttles (guide 004: queue the writes and retry).

use serde_json::{Value, json};
use testkit::{Fault, Faults, Run, Sandbox, World};
use url_shortener::App;

use super::WORLDS;

const ALICE: Option<(&str, &str, &str)> = Some(("alice", "links:read links:write", "pro"));

/// A world whose table refuses everything, a sandbox that meets that, and one that does not.
async fn throttled() -> (World<App>, Sandbox<App>, Sandbox<App>) {
    let faults = Faults::seeded(1).with(Fault::Throttled, 1.0).only("DynamoDB");
    let world = WORLDS.make_with(&[], Some(faults)).await.unwrap();
    let (disturbed, calm) = (world.killable("one").unwrap(), world.undisturbed().unwrap());
    (world, disturbed, calm)
}

async fn post(sandbox: &mut Sandbox<App>, path: &str, body: &Value) -> Run {
    sandbox.http("POST", path, &[], Some(body), ALICE).await.unwrap()
}

async fn get(sandbox: &mut Sandbox<App>, path: &str, who: &str) -> Run {
    sandbox.http("GET", path, &[], None, Some((who, "links:read", "pro"))).await.unwrap()
}

/// Hands what waits for `claim_queued` to a sandbox that meets no faults, twice.
async fn work(world: &World<App>, calm: &mut Sandbox<App>) {
    let event = json!({"Records": world.messages("claim_queued").await.unwrap()});
    for _ in 0..2 {
        let run = calm.invoke("claim_queued", &event).await.unwrap();
        assert_eq!(run.answer()["batchItemFailures"], json!([]), "{run:?}");
    }
}

#[tokio::test]
async fn a_link_that_the_table_does_not_take_is_made_later_and_once() {
    let (world, mut disturbed, mut calm) = throttled().await;
    let chosen = post(&mut disturbed, "/links", &json!({"url": "https://a.example", "code": "cat"})).await;
    let made = post(&mut disturbed, "/links", &json!({"url": "https://b.example"})).await;
    assert_eq!((chosen.status(), made.status()), (202, 202), "{chosen:?} {made:?}");
    assert_eq!(chosen.body()["state"], "queued");
    let status = |run: &Run| run.body()["status_url"].as_str().unwrap().to_owned();
    assert_eq!(get(&mut calm, &status(&chosen), "alice").await.body()["state"], "queued");
    assert_eq!(get(&mut calm, &status(&chosen), "bob").await.problem(), "request-not-found");
    work(&world, &mut calm).await;
    let done = get(&mut calm, &status(&chosen), "alice").await.body();
    assert_eq!((&done["state"], &done["link"]["code"]), (&json!("done"), &json!("cat")), "{done}");
    let code = get(&mut calm, &status(&made), "alice").await.body()["link"]["code"].as_str().unwrap().to_owned();
    let list = get(&mut calm, "/links", "alice").await.body();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2), "{list}");
    let opened = calm.http("GET", &format!("/{code}"), &[], None, None).await.unwrap();
    assert_eq!(opened.status(), 302);
}

#[tokio::test]
async fn a_code_that_somebody_took_meanwhile_is_refused_and_its_caller_can_ask() {
    let (world, mut disturbed, mut calm) = throttled().await;
    let late = post(&mut disturbed, "/links", &json!({"url": "https://a.example", "code": "cat"})).await;
    assert_eq!(late.status(), 202);
    let body = json!({"url": "https://b.example", "code": "cat"});
    let bob = Some(("bob", "links:write", "pro"));
    assert_eq!(calm.http("POST", "/links", &[], Some(&body), bob).await.unwrap().status(), 201);
    work(&world, &mut calm).await;
    let status = late.body()["status_url"].as_str().unwrap().to_owned();
    let refused = get(&mut calm, &status, "alice").await.body();
    assert_eq!(refused["state"], "refused", "{refused}");
    assert_eq!(refused["problem"], "/problems/url-shortener/code-taken");
}

#[tokio::test]
async fn a_batch_that_the_table_does_not_take_is_queued_and_other_names_are_answered_503() {
    let (_world, mut disturbed, _calm) = throttled().await;
    let batch = post(&mut disturbed, "/links/batch", &json!({"links": [{"url": "https://a.example"}]})).await;
    assert_eq!(batch.body()["results"][0]["status"], 202, "{batch:?}");
    let urls = post(&mut disturbed, "/urls", &json!({"long_url": "https://a.example"})).await;
    assert_eq!((urls.status(), urls.problem().as_str()), (503, "unavailable"));
}

/// The counter of ids throttles, and nothing else: what is left of the block serves, and then chance.
#[tokio::test]
async fn while_the_counter_is_down_the_leased_block_serves() {
    let faults = Faults::seeded(1).with(Fault::Throttled, 1.0).only("DynamoDB_20120810.UpdateItem");
    let world = WORLDS.make_with(&[], Some(faults)).await.unwrap();
    let mut sandbox = world.killable("one").unwrap();
    let run = post(&mut sandbox, "/links", &json!({"url": "https://a.example"})).await;
    assert_eq!((run.status(), run.count("codes_unleased")), (201, 1.0), "{run:?}");
}

/// A queued claim that wants no second link meets one that was made meanwhile: that is its outcome.
#[tokio::test]
async fn a_queued_claim_that_wants_no_second_link_ends_in_the_first() {
    let (world, mut disturbed, mut calm) = throttled().await;
    let body = json!({"url": "https://a.example", "dedupe": true});
    let late = post(&mut disturbed, "/links", &body).await;
    assert_eq!(late.status(), 202);
    let first = post(&mut calm, "/links", &body).await;
    assert_eq!(first.status(), 201);
    work(&world, &mut calm).await;
    let done = get(&mut calm, late.body()["status_url"].as_str().unwrap(), "alice").await.body();
    assert_eq!((&done["state"], &done["link"]["code"]), (&json!("done"), &first.body()["code"]), "{done}");
}

/// What ended while it waited is refused: its hour may be swept already, and nobody would be told.
#[tokio::test]
async fn a_queued_claim_that_ended_meanwhile_is_refused() {
    let (world, mut disturbed, mut calm) = throttled().await;
    let late = post(&mut disturbed, "/links", &json!({"url": "https://a.example", "ttl_seconds": 60})).await;
    assert_eq!(late.status(), 202);
    world.clock.advance(std::time::Duration::from_secs(60));
    work(&world, &mut calm).await;
    let refused = get(&mut calm, late.body()["status_url"].as_str().unwrap(), "alice").await.body();
    assert_eq!(refused["problem"], "/problems/url-shortener/expiry-invalid", "{refused}");
}

/// The table does not answer in time though the claim took effect, and the link is used before the worker comes.
#[tokio::test]
async fn a_queued_claim_meets_its_own_link_whatever_became_of_it() {
    let faults = Faults::seeded(1).with(Fault::AnswerLost, 1.0).only("DynamoDB_20120810.PutItem");
    let world = WORLDS.make_with(&[], Some(faults)).await.unwrap();
    let (mut disturbed, mut calm) = (world.killable("one").unwrap(), world.undisturbed().unwrap());
    let body = json!({"url": "https://a.example", "code": "cat", "max_clicks": 5});
    let late = post(&mut disturbed, "/links", &body).await;
    assert_eq!(late.status(), 202, "{late:?}");
    assert_eq!(calm.http("GET", "/cat", &[], None, None).await.unwrap().status(), 302);
    work(&world, &mut calm).await;
    let done = get(&mut calm, late.body()["status_url"].as_str().unwrap(), "alice").await.body();
    assert_eq!((&done["state"], &done["link"]["code"]), (&json!("done"), &json!("cat")), "{done}");
}
