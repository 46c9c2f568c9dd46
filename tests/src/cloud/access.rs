//! The authorization matrix: every route of every system x nobody, wrong scope, another tenant, the right one.

use anyhow::{Context as _, Result, ensure};
use runtime::{System, Trigger};
use serde_json::{Value, json};
use testkit::Cloud;
use web::Access;

use super::fresh;
use crate::systems;

/// A route's calls. `{id}` stands for a thing of the right tenant's.
pub(crate) struct Case {
    handler: &'static str,
    path: String,
    body: Option<String>,
    /// What the right tenant and another one with the right scope are answered; without it, anything but 401 and 403.
    answers: Option<(u16, u16)>,
}

/// The call of `handler`'s route at `path`, what the `right` tenant is answered and what the `other`.
pub(crate) fn case(handler: &'static str, path: &str, body: Option<Value>, right: u16, other: u16) -> Case {
    let body = body.as_ref().map(Value::to_string);
    Case { handler, path: path.to_owned(), body, answers: Some((right, other)) }
}

/// A route that belongs to no tenant's thing needs no case of its own: its sample is called.
fn of_sample(system: &str, handler: &'static str, path: &str) -> Result<Case> {
    ensure!(
        !path.contains('{'),
        "{handler}'s route leads to a tenant's thing: say in access() of tests/src/systems how it is called"
    );
    let sample = testkit::repository().join(format!("events/{system}/{handler}.json"));
    let sample: Value = serde_json::from_str(&std::fs::read_to_string(sample)?)?;
    let body = sample["body"].as_str().map(str::to_owned);
    Ok(Case { handler, path: sample["rawPath"].as_str().unwrap_or(path).to_owned(), body, answers: None })
}

struct Tenant {
    /// Every scope of the system.
    full: String,
    /// A scope of no route.
    wrong: String,
}

fn tenant(cloud: &Cloud, scopes: &[&str]) -> Result<Tenant> {
    let owner = fresh("tenant");
    Ok(Tenant { full: cloud.key(&owner, scopes)?, wrong: cloud.key(&owner, &["weather:read"])? })
}

fn hold<A: Clone + Send + Sync + 'static>(
    cloud: &Cloud,
    system: &System<A>,
    cases: &[Case],
    make: impl Fn(&Tenant) -> Result<String>,
) -> Result<()> {
    let routes: Vec<_> = system
        .rows()
        .iter()
        .filter_map(|row| match &row.trigger {
            Trigger::Http { method, path, access } => Some((row.handler, method, path, *access)),
            _ => None,
        })
        .collect();
    let scopes: Vec<&str> = routes.iter().filter_map(|(.., access)| access.scope()).collect();
    let (alice, bob) = (tenant(cloud, &unique(&scopes))?, tenant(cloud, &unique(&scopes))?);
    for (handler, method, path, access) in routes {
        let sample;
        let case = match cases.iter().find(|case| case.handler == handler) {
            Some(case) => case,
            None => {
                sample = of_sample(system.name(), handler, path)?;
                &sample
            }
        };
        let path = case.path.replace("{id}", &make(&alice)?);
        let call = |key: Option<&str>| {
            let mut headers = vec![("idempotency-key", "matrix")];
            headers.extend(key.map(|key| ("x-api-key", key)));
            cloud.send(system.name(), method.as_str(), &path, &headers, case.body.as_deref())
        };
        let (right, other) = match case.answers {
            Some((right, other)) => (Some(right), Some(other)),
            None => (None, None),
        };
        let public = access == Access::Public;
        let (nobody, scopeless) = if public { (right, right) } else { (Some(401), Some(403)) };
        let (most, last) = alice.full.split_at(alice.full.len() - 1);
        let forged = format!("{most}{}", if last == "x" { "y" } else { "x" });
        for (who, key, wanted) in [
            ("nobody", None, nobody),
            ("a forged key", Some(forged.as_str()), nobody),
            ("the wrong scope", Some(alice.wrong.as_str()), scopeless),
            ("another tenant", Some(bob.full.as_str()), other),
            ("the right tenant", Some(alice.full.as_str()), right),
        ] {
            let answer = call(key)?;
            let Some(wanted) = wanted else {
                ensure!(![401, 403].contains(&answer.status), "{handler} refuses {who}: {}", answer.body);
                continue;
            };
            let found = answer.status;
            ensure!(found == wanted, "{handler} for {who}: {found} instead of {wanted}: {}", answer.body);
            if wanted >= 400 {
                let media = &answer.headers["content-type"];
                ensure!(
                    media == "application/problem+json" && answer.body["status"] == wanted,
                    "{handler}: {answer:?}"
                );
            }
            if wanted == 401 {
                ensure!(answer.headers.contains_key("www-authenticate"), "{handler}: {:?}", answer.headers);
            }
        }
    }
    Ok(())
}

fn unique<'a>(scopes: &[&'a str]) -> Vec<&'a str> {
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

#[test]
fn every_route_of_url_shortener() -> Result<()> {
    let cloud = Cloud::connect()?;
    let link = || json!({"url": "https://a.example", "code": fresh("matrix")});
    hold(&cloud, &::url_shortener::system(), &systems::url_shortener::access(), |alice| {
        cloud.call("url-shortener", "POST", "/links", Some(&alice.full), Some(&link()))?.text("code")
    })
}

#[test]
fn every_route_of_notifications() -> Result<()> {
    let cloud = Cloud::connect()?;
    let template = json!({"default_locale": "en", "locales": {"en": {"title": "Hello {{ name }}", "body": "there"}}});
    let later = types::Clock::system().now() + std::time::Duration::from_secs(86_400);
    let waiting = json!({"user_id": "matrix", "type": "news", "title": "Hello", "body": "there", "send_at": later});
    hold(&cloud, &::notifications::system(), &systems::notifications::access(), |alice| {
        for id in ["matrix", "other"] {
            let path = format!("/templates/{id}");
            let answer = cloud.call("notifications", "PUT", &path, Some(&alice.full), Some(&template))?;
            ensure!([200, 201].contains(&answer.status), "{answer:?}");
        }
        cloud
            .call("notifications", "POST", "/notifications", Some(&alice.full), Some(&waiting))?
            .text("notification_id")
    })
}

#[test]
fn every_route_of_ledger() -> Result<()> {
    let cloud = Cloud::connect()?;
    hold(&cloud, &::ledger::system(), &systems::ledger::access(), |alice| {
        super::ledger::open(&cloud, &alice.full)?;
        let id = fresh("hold");
        let mut pending = systems::ledger::transfer(&id, 1);
        pending["pending"] = json!(true);
        let answer = cloud.call("ledger", "POST", "/transactions", Some(&alice.full), Some(&pending))?;
        ensure!(answer.status == 201, "{answer:?}");
        Ok(id)
    })
}

#[test]
fn every_route_of_rate_limiter() -> Result<()> {
    let cloud = Cloud::connect()?;
    let policy = json!({"dimensions": [{"name": "user", "limit": {"quota": 1000, "per_seconds": 60}}]});
    hold(&cloud, &::rate_limiter::system(), &systems::rate_limiter::access(), |alice| {
        let put = |id: &str| {
            let answer =
                cloud.call("rate-limiter", "PUT", &format!("/policies/{id}"), Some(&alice.full), Some(&policy))?;
            ensure!([200, 201].contains(&answer.status), "{answer:?}");
            Ok(id.to_owned())
        };
        put("matrix")?;
        put("other")?;
        put(&fresh("policy").to_ascii_lowercase())
    })
}

#[test]
fn every_route_of_identity() -> Result<()> {
    let cloud = Cloud::connect()?;
    let key = json!({"name": "ci", "scopes": ["keys:read"]});
    hold(&cloud, &::identity::system(), &systems::identity::access(), |alice| {
        let headers = [("x-api-key", alice.full.as_str()), ("idempotency-key", &fresh("key"))];
        let answer = cloud.send("identity", "POST", "/keys", &headers, Some(&key.to_string()))?;
        answer.body["key"]["id"].as_str().map(str::to_owned).with_context(|| answer.body.to_string())
    })
}
