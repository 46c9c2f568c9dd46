//! Each fault that testkit injects is what it says: seen by its effect on a system that calls AWS once.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{Fault, Faults, Run, Sandbox, World};
use url_shortener::App;

use crate::systems::url_shortener::WORLDS;

const ALICE: Option<(&str, &str, &str)> = Some(("alice", "links:read links:write", "pro"));

/// A world with the link `cat`, and a sandbox to disturb.
async fn world(fault: Fault) -> (World<App>, Sandbox<App>) {
    let world = WORLDS.make_with(&[], Some(Faults::seeded(1).with(fault, 1.0))).await.unwrap();
    assert_eq!(create(&mut world.undisturbed().unwrap(), "cat", &[]).await.status(), 201);
    let sandbox = world.killable("one").unwrap();
    (world, sandbox)
}

async fn create(sandbox: &mut Sandbox<App>, code: &str, headers: &[(String, String)]) -> Run {
    let link = json!({"code": code, "url": "https://a.example"});
    sandbox.http("POST", "/links", headers, Some(&link), ALICE).await.unwrap()
}

/// One conditional write.
async fn disable(sandbox: &mut Sandbox<App>) -> Run {
    sandbox.http("DELETE", "/links/cat", &[], None, ALICE).await.unwrap()
}

/// Whether the write took effect, seen without faults.
async fn disabled(world: &World<App>) -> bool {
    let mut looking = world.undisturbed().unwrap();
    looking.http("GET", "/links/cat", &[], None, ALICE).await.unwrap().body()["state"] == "disabled"
}

#[tokio::test]
async fn each_fault_ends_a_call_as_it_says() {
    for (fault, status, effect, retries) in [
        (Fault::Throttled, 503, false, 2),
        (Fault::ServerError, 503, false, 2),
        (Fault::RequestLost, 503, false, 2),
        (Fault::AnswerLost, 503, true, 2),
        (Fault::Delayed, 204, true, 0),
    ] {
        let (world, mut sandbox) = world(fault).await;
        let run = disable(&mut sandbox).await;
        let Run::Answered(_, record) = &run else { panic!("{fault:?} killed") };
        assert_eq!((run.status(), disabled(&world).await), (status, effect), "{fault:?} {:?}", record.fault);
        assert_eq!(record.meter.retries, retries, "{fault:?}");
        assert_eq!(world.injected(), [(fault, u64::from(retries) + 1)].into());
    }
}

#[tokio::test]
async fn a_killed_sandbox_says_nothing_and_the_next_one_remembers_nothing() {
    for (fault, effect) in [(Fault::KilledBefore, false), (Fault::KilledAfter, true)] {
        let (world, mut sandbox) = world(fault).await;
        assert!(matches!(disable(&mut sandbox).await, Run::Killed), "{fault:?}");
        assert_eq!(disabled(&world).await, effect, "{fault:?}");
        assert!(matches!(disable(&mut sandbox).await, Run::Killed), "a fresh sandbox serves, and is killed too");
        assert_eq!(world.injected(), [(fault, 2)].into());
    }
}

#[tokio::test]
async fn a_conflict_befalls_transactions_and_nothing_else() {
    let (world, mut sandbox) = world(Fault::Conflict).await;
    let key = [("Idempotency-Key".to_owned(), "once".to_owned())];
    let run = create(&mut sandbox, "dog", &key).await;
    assert!([202, 409, 503].contains(&run.status()) && world.injected()[&Fault::Conflict] > 1, "{run:?}");
    let mut looking = world.undisturbed().unwrap();
    assert_eq!(looking.http("GET", "/links/dog", &[], None, ALICE).await.unwrap().status(), 404);
    assert_eq!(disable(&mut sandbox).await.status(), 204);
}

#[tokio::test]
async fn one_event_of_a_batch_fails_and_the_others_are_published() {
    let (mut world, mut sandbox) = world(Fault::PartialFailure).await;
    for code in ["dog", "eel"] {
        create(&mut sandbox, code, &[]).await;
    }
    let changes = world.changes().await.unwrap().to_vec();
    let run = sandbox.invoke("publish_changes", &json!({ "Records": changes })).await.unwrap();
    assert!(matches!(&run, Run::Answered(Err(fault), _) if fault.is_transient()), "{run:?}");
    assert_eq!(world.published().len(), 2);
    let detail: Value = serde_json::from_str(world.published()[0]["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail["url"], "https://a.example/");
}

/// It notes how far it came, so what expired while it died is found by the first run that does not.
#[tokio::test]
async fn a_sweep_that_dies_for_days_forgets_no_link() {
    let faults = Faults::seeded(1).with(Fault::KilledBefore, 0.05);
    let mut world = WORLDS.make_with(&[], Some(faults)).await.unwrap();
    let (mut dying, mut calm) = (world.killable("one").unwrap(), world.undisturbed().unwrap());
    let link = json!({"code": "cat", "url": "https://a.example", "ttl_seconds": 60});
    assert_eq!(calm.http("POST", "/links", &[], Some(&link), ALICE).await.unwrap().status(), 201);
    assert!(matches!(dying.invoke("sweep_expired", &json!({})).await.unwrap(), Run::Killed));
    world.clock.advance(std::time::Duration::from_secs(52 * 3600));
    calm.invoke("sweep_expired", &json!({})).await.unwrap();
    let swept = |change: &Value| !change["dynamodb"]["NewImage"]["swept_at"].is_null();
    assert!(world.changes().await.unwrap().iter().any(swept));
}

/// A real process, a real SIGKILL: whatever the moment, the repeated request makes one link.
#[tokio::test]
async fn a_request_that_outlives_its_process_makes_one_link() {
    const REQUESTS: usize = 8;
    let faults = Faults::seeded(1).with(Fault::KilledBefore, 0.2).with(Fault::KilledAfter, 0.2);
    let mut world = WORLDS.make_with(&[], Some(faults)).await.unwrap();
    let mut create = world.process("create_link", "one").await.unwrap();
    let (mut codes, mut deaths) = (BTreeSet::new(), 0);
    for request in 0..REQUESTS {
        let body = json!({"url": format!("https://target.example/{request}")});
        let mut event = testkit::http_event("POST", "/links", &body, "alice", "links:write");
        event["headers"]["idempotency-key"] = format!("key-{request}").into();
        let answer = loop {
            match create.invoke(&event).await.unwrap() {
                Some(answer) => break answer,
                None => deaths += 1,
            }
        };
        assert_eq!(answer["statusCode"], 201, "{answer}");
        let link: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        codes.insert(link["code"].as_str().unwrap().to_owned());
    }
    let changes = world.changes().await.unwrap();
    let links = changes.iter().filter(|change| change["dynamodb"]["Keys"]["sk"]["S"] == "LINK").count();
    assert_eq!((codes.len(), links), (REQUESTS, REQUESTS));
    let after = world.injected()[&Fault::KilledAfter];
    assert!(deaths > 1 && after > 1, "{deaths} deaths, {after} after a call took effect");
}
