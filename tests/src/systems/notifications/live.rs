//! The inbox, live: tokens, connections and their bound, and what is told of changes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use notifications::App;
use serde_json::{Value, json};
use testkit::{Delivery, World};

use super::delivery::{call, send, work};
use super::{WORLDS, check};

/// Where API Gateway takes messages for its connections: which it got for which connection. Those whose ids begin with
/// `gone` are closed, with `broken` fail.
struct Gateway {
    url: String,
    posted: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Gateway {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (url, posted) = (format!("http://{}/dev", listener.local_addr()?), Arc::<Mutex<Vec<_>>>::default());
        let keep = Arc::clone(&posted);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let keep = Arc::clone(&keep);
                std::thread::spawn(move || -> Result<()> {
                    let mut reader = BufReader::new(stream.try_clone()?);
                    let (mut request, mut length) = (String::new(), 0);
                    reader.read_line(&mut request)?;
                    loop {
                        let mut header = String::new();
                        reader.read_line(&mut header)?;
                        let header = header.trim().to_ascii_lowercase();
                        if let Some(value) = header.strip_prefix("content-length:") {
                            length = value.trim().parse()?;
                        }
                        if header.is_empty() {
                            break;
                        }
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body)?;
                    let id = request.split(['/', ' ']).find(|part| part.contains("-c")).unwrap_or_default().to_owned();
                    let (status, kind) = match &id {
                        id if id.starts_with("gone") => ("410 Gone", "GoneException"),
                        id if id.starts_with("broken") => ("403 Forbidden", "ForbiddenException"),
                        _ => ("200 OK", ""),
                    };
                    keep.lock().unwrap().push((id, serde_json::from_slice(&body)?));
                    let head = format!("HTTP/1.1 {status}\r\nx-amzn-errortype: {kind}\r\n");
                    stream.write_all(format!("{head}connection: close\r\ncontent-length: 0\r\n\r\n").as_bytes())?;
                    Ok(())
                });
            }
        });
        Ok(Self { url, posted })
    }

    /// What was posted since the last time, in order of connections.
    fn posted(&self) -> Vec<(String, Value)> {
        let mut posted = std::mem::take(&mut *self.posted.lock().unwrap());
        posted.sort_by(|one, other| one.0.cmp(&other.0));
        posted
    }
}

async fn live_world(gateway: &Gateway) -> Result<World<App>> {
    WORLDS.make(&[("CONNECTIONS_URL", gateway.url.as_str())]).await
}

async fn token(world: &mut World<App>, user: &str) -> Result<String> {
    let made = call(world, "POST", &format!("/users/{user}/inbox/token"), Value::Null).await?;
    made["token"].as_str().map(str::to_owned).context("a token")
}

async fn socket(world: &mut World<App>, handler: &str, connection: &str, token: Option<&str>) -> Result<Value> {
    let route = match handler {
        "on_connect" => "$connect",
        "on_disconnect" => "$disconnect",
        _ => "$default",
    };
    let context = json!({"routeKey": route, "connectionId": connection, "domainName": "x", "stage": "dev"});
    let query = token.map(|token| json!({"inbox_token": token}));
    world.invoke(handler, &json!({"requestContext": context, "queryStringParameters": query, "body": "?"})).await
}

#[test]
fn a_token_is_asked_for_by_the_users_own_server() {
    check(
        "alice POST /users/ada/inbox/token  200
         calls 0
         alice(users:read) POST /users/ada/inbox/token  403 insufficient-scope
         anon  POST /users/ada/inbox/token  401 unauthenticated
         alice POST /users/a%20b/inbox/token  422 user-invalid",
    );
}

#[tokio::test]
async fn a_token_opens_one_users_inbox_for_five_minutes() -> Result<()> {
    let mut world = live_world(&Gateway::start()?).await?;
    let ada = token(&mut world, "ada").await?;
    for wrong in [None, Some("AAAA"), Some(&ada[1..])] {
        let answer = socket(&mut world, "on_connect", "one-c", wrong).await?;
        ensure!(answer["statusCode"] == 403 && answer.to_string().contains("inbox-token-invalid"), "{answer}");
    }
    assert_eq!(socket(&mut world, "on_ping", "one-c", None).await?["statusCode"], 403, "it was not let in");
    for _ in 0..2 {
        assert_eq!(socket(&mut world, "on_connect", "one-c", Some(&ada)).await?["statusCode"], 200);
    }
    let counts = json!({"counts": {"unseen": 0, "unread": 0}}).to_string();
    assert_eq!(socket(&mut world, "on_ping", "one-c", None).await?["body"], counts);
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(socket(&mut world, "on_connect", "two-c", Some(&ada)).await?["statusCode"], 403, "too late");
    Ok(())
}

#[tokio::test]
async fn a_user_has_twenty_connections_and_places_are_free_again() -> Result<()> {
    let mut world = live_world(&Gateway::start()?).await?;
    let (ada, bob) = (token(&mut world, "ada").await?, token(&mut world, "bob").await?);
    for number in 0..20 {
        assert_eq!(socket(&mut world, "on_connect", &format!("n{number}-c"), Some(&ada)).await?["statusCode"], 200);
    }
    let full = socket(&mut world, "on_connect", "more-c", Some(&ada)).await?;
    ensure!(full["statusCode"] == 409 && full.to_string().contains("connections-full"), "{full}");
    assert_eq!(socket(&mut world, "on_connect", "bob-c", Some(&bob)).await?["statusCode"], 200, "another's is");
    for _ in 0..2 {
        assert_eq!(socket(&mut world, "on_disconnect", "n7-c", None).await?["statusCode"], 200);
    }
    assert_eq!(socket(&mut world, "on_connect", "more-c", Some(&ada)).await?["statusCode"], 200);
    // Nobody told of their ends.
    world.clock.advance(Duration::from_secs(2 * 3600 + 600));
    let ada = token(&mut world, "ada").await?;
    assert_eq!(socket(&mut world, "on_connect", "late-c", Some(&ada)).await?["statusCode"], 200);
    Ok(())
}

/// Sandboxes that ask at once: the bound holds, and no place is given twice.
#[tokio::test]
async fn twenty_are_twenty_when_all_come_at_once() -> Result<()> {
    let mut world = live_world(&Gateway::start()?).await?;
    let ada = token(&mut world, "ada").await?;
    let mut opening = tokio::task::JoinSet::new();
    for number in 0..24 {
        let (mut sandbox, ada) = (world.killable("one")?, ada.clone());
        opening.spawn(async move {
            let context = json!({"routeKey": "$connect", "connectionId": format!("{number}-c"), "stage": "dev"});
            let event = json!({"requestContext": context, "queryStringParameters": {"inbox_token": ada}});
            // What met others too often is opened anew, as a browser does.
            for _ in 0..5 {
                let status = sandbox.invoke("on_connect", &event).await?.status();
                if status < 500 {
                    return anyhow::Ok(status);
                }
            }
            Ok(500)
        });
    }
    let opened = opening.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let count = |status| opened.iter().filter(|it| **it == status).count();
    assert_eq!((count(200), count(409)), (20, 4), "{opened:?}");
    Ok(())
}

#[tokio::test]
async fn whoever_is_connected_is_told_of_items_and_counts_and_nobody_else() -> Result<()> {
    let gateway = Gateway::start()?;
    let mut world = live_world(&gateway).await?;
    let (ada, bob) = (token(&mut world, "ada").await?, token(&mut world, "bob").await?);
    for (connection, token) in [("a-c", &ada), ("b-c", &ada), ("gone-c", &ada), ("broken-c", &ada), ("z-c", &bob)] {
        assert_eq!(socket(&mut world, "on_connect", connection, Some(token)).await?["statusCode"], 200);
    }
    let id = send(&mut world, json!({"channels": ["in_app"], "title": "one"})).await?;
    work(&mut world).await?;
    world.stream("forward_rest", Delivery::Once).await?;
    let posted = gateway.posted();
    for connection in ["a-c", "b-c"] {
        let told: Vec<&Value> = posted.iter().filter(|(id, _)| id == connection).map(|(_, told)| told).collect();
        let [counts, item] = told[..] else { anyhow::bail!("{connection} in {posted:?}") };
        assert_eq!(counts, &json!({"event": "counts", "counts": {"unseen": 1, "unread": 1}}));
        assert_eq!((&item["event"], &item["item"]["title"]), (&json!("item"), &json!("one")));
        assert_eq!(item["item"]["notification_id"], json!(id));
    }
    ensure!(posted.iter().any(|(id, _)| id == "gone-c") && posted.iter().any(|(id, _)| id == "broken-c"));
    ensure!(posted.iter().all(|(id, _)| id != "z-c"), "another user's");
    // What is gone is forgotten, what failed is told again of the next change, and nothing of it failed the batch.
    call(&mut world, "PATCH", &format!("/users/ada/inbox/{id}"), json!({"read": true})).await?;
    world.stream("forward_rest", Delivery::TwiceShuffled(1)).await?;
    let posted = gateway.posted();
    ensure!(posted.iter().all(|(id, _)| id != "gone-c"), "{posted:?}");
    ensure!(posted.iter().any(|(id, _)| id == "broken-c"));
    let of_one: Vec<&Value> = posted.iter().filter(|(id, _)| id == "a-c").map(|(_, told)| told).collect();
    let told = |event: &str| of_one.iter().find(|told| told["event"] == event).copied().cloned().unwrap_or_default();
    assert_eq!(told("counts")["counts"], json!({"unseen": 0, "unread": 0}));
    ensure!(told("item")["item"]["read_at"].is_string(), "{of_one:?}");
    assert_eq!(socket(&mut world, "on_ping", "gone-c", None).await?["statusCode"], 403);
    Ok(())
}

#[tokio::test]
async fn where_nobody_is_connected_a_change_is_one_query() -> Result<()> {
    let gateway = Gateway::start()?;
    let mut world = live_world(&gateway).await?;
    send(&mut world, json!({"channels": ["in_app"]})).await?;
    work(&mut world).await?;
    world.stream("forward_rest", Delivery::Once).await?;
    let record = world.records.last().context("a record")?;
    ensure!(record.handler == "forward_rest" && record.meter.read_units <= 0.5, "{:?}", record.meter);
    assert_eq!(gateway.posted(), []);
    Ok(())
}
