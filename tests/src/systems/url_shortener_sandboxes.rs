//! The url-shortener where a scenario's lines do not reach: broken queues, chosen codes, many sandboxes at once.

use std::collections::HashSet;

use url_shortener::App;

use super::url_shortener::WORLDS;

#[test]
fn the_redirect_answers_while_the_queue_is_down_and_the_loss_is_counted() {
    let run = async {
        let gone = [("CLICKS_QUEUE_URL", "http://127.0.0.1:9/000000000000/none")];
        let mut world = WORLDS.make(&gone).await?;
        let link = serde_json::json!({"code": "cat", "url": "https://a.example"});
        world.http("POST", "/links", &[], Some(&link), Some(("alice", "links:write", "pro"))).await?;
        let answer = world.http("GET", "/cat", &[], None, None).await?;
        assert_eq!(answer["statusCode"], 302);
        let lost = world.records.last().and_then(|record| record.meter.counts.get("clicks_lost").copied());
        assert_eq!(lost, Some(1.0));
        anyhow::Ok(())
    };
    tokio::runtime::Runtime::new().unwrap().block_on(run).unwrap();
}

/// Somebody chose the very seven characters that the next id would have given.
#[test]
fn a_generated_code_that_somebody_chose_is_passed_over() {
    let run = async {
        let mut world = WORLDS.make(&[]).await?;
        let alice = Some(("alice", "links:write", "pro"));
        let link = |code: &str| serde_json::json!({"url": "https://a.example", "code": code});
        let secret = types::Secret::new(world.env("ALMANAC_SECRET"))?;
        let shape = url_shortener::domain::Shape::new(url_shortener::domain::Alphabet::Base62, 7);
        let permutation = url_shortener::domain::Permutation::new(secret.key("codes"), shape.size());
        let chosen = shape.code(permutation.apply(0));
        let answer = world.http("POST", "/links", &[], Some(&link(chosen.as_str())), alice).await?;
        assert_eq!(answer["statusCode"], 201);
        let any = serde_json::json!({"url": "https://b.example"});
        let answer = world.http("POST", "/links", &[], Some(&any), alice).await?;
        assert_eq!(answer["statusCode"], 201, "{answer}");
        anyhow::Ok(())
    };
    tokio::runtime::Runtime::new().unwrap().block_on(run).unwrap();
}

/// 32 sandboxes that know nothing of each other, each with its own leases, claim links at the same time.
#[test]
fn no_code_collides_across_32_concurrent_sandboxes() {
    const SANDBOXES: usize = 32;
    const LINKS: usize = 12;
    let run = async {
        let world = WORLDS.make(&[]).await?;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..SANDBOXES {
            let create = world.sandbox(&WORLDS)?.remove("create_link").unwrap();
            tasks.spawn(async move {
                let mut codes = Vec::new();
                for _ in 0..LINKS {
                    codes.push(create_one(&create).await);
                }
                codes
            });
        }
        let codes = tasks.join_all().await.concat();
        assert_eq!(codes.len(), SANDBOXES * LINKS);
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
        assert!(codes.iter().all(|code| code.len() == 7));
        anyhow::Ok(())
    };
    tokio::runtime::Runtime::new().unwrap().block_on(run).unwrap();
}

async fn create_one(create: &testkit::Function<App>) -> String {
    let event =
        testkit::http_event("POST", "/links", &serde_json::json!({"url": "https://a.example"}), "alice", "links:write");
    let outcome = create.invoke(&event.to_string(), "id", std::time::Duration::from_secs(20)).await;
    let answer: serde_json::Value = serde_json::from_str(&outcome.answer.unwrap()).unwrap();
    assert_eq!(answer["statusCode"], 201, "{answer}");
    let body: serde_json::Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    body["code"].as_str().unwrap().to_owned()
}

/// A client that lost patience: the same keyed request reaches many sandboxes at once, and takes effect once.
#[test]
fn one_key_in_many_sandboxes_at_once_makes_one_link() {
    const SANDBOXES: usize = 16;
    let run = async {
        let mut world = WORLDS.make(&[]).await?;
        let body = serde_json::json!({"url": "https://a.example"});
        let mut event = testkit::http_event("POST", "/links", &body, "alice", "links:write");
        event["headers"]["idempotency-key"] = "once".into();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..SANDBOXES {
            let create = world.sandbox(&WORLDS)?.remove("create_link").unwrap();
            let event = event.to_string();
            tasks.spawn(async move {
                let outcome = create.invoke(&event, "id", std::time::Duration::from_secs(20)).await;
                serde_json::from_str::<serde_json::Value>(&outcome.answer.unwrap()).unwrap()
            });
        }
        let answers = tasks.join_all().await;
        let mut codes = HashSet::new();
        for answer in &answers {
            let body: serde_json::Value = serde_json::from_str(answer["body"].as_str().unwrap())?;
            match answer["statusCode"].as_u64() {
                Some(201) => drop(codes.insert(body["code"].as_str().unwrap().to_owned())),
                // Its first sending is still under way: ask again.
                Some(409) => assert_eq!(body["type"], "/problems/idempotency-key-in-progress", "{answer}"),
                _ => panic!("{answer}"),
            }
        }
        assert_eq!(codes.len(), 1, "{answers:?}");
        let list = world.http("GET", "/links", &[], None, Some(("alice", "links:read", "free"))).await?;
        let list: serde_json::Value = serde_json::from_str(list["body"].as_str().unwrap())?;
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
        anyhow::Ok(())
    };
    tokio::runtime::Runtime::new().unwrap().block_on(run).unwrap();
}

/// 32 clients, each in a sandbox of its own, open one link that may be opened ten times.
#[test]
fn a_limited_link_opens_for_32_clients_as_often_as_it_may() {
    const CLIENTS: usize = 32;
    const MOST: usize = 10;
    let run = async {
        let mut world = WORLDS.make(&[]).await?;
        let link = serde_json::json!({"url": "https://a.example", "code": "cat", "max_clicks": MOST});
        world.http("POST", "/links", &[], Some(&link), Some(("alice", "links:write", "pro"))).await?;
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..CLIENTS {
            let mut sandbox = world.undisturbed()?;
            clients.spawn(async move {
                let mut opened = 0;
                for _ in 0..3 {
                    let run = sandbox.http("GET", "/cat", &[], None, None).await.unwrap();
                    assert!(run.status() == 302 || run.problem() == "link-used-up", "{run:?}");
                    opened += usize::from(run.status() == 302);
                }
                opened
            });
        }
        assert_eq!(clients.join_all().await.into_iter().sum::<usize>(), MOST);
        anyhow::Ok(())
    };
    tokio::runtime::Runtime::new().unwrap().block_on(run).unwrap();
}
