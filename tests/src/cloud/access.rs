//! The authorization matrix: every route of every system x nobody, wrong scope, another tenant, the right one.

use anyhow::{Context as _, Result, ensure};
use runtime::{System, Trigger};
use serde_json::{Value, json};
use testkit::Cloud;
use web::Access;

use super::fresh;

/// A route's calls. `{id}` stands for a thing of the right tenant's.
struct Case {
    handler: &'static str,
    path: &'static str,
    body: Option<Value>,
    /// What the right tenant is answered.
    right: u16,
    /// What another tenant with the right scope is answered.
    other: u16,
}

fn case(handler: &'static str, path: &'static str, body: Option<Value>, right: u16, other: u16) -> Case {
    Case { handler, path, body, right, other }
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
            Trigger::Http { method, access, .. } => Some((row.handler, method, *access)),
            _ => None,
        })
        .collect();
    let scopes: Vec<&str> = routes.iter().filter_map(|(_, _, access)| access.scope()).collect();
    let (alice, bob) = (tenant(cloud, &unique(&scopes))?, tenant(cloud, &unique(&scopes))?);
    for (handler, method, access) in routes {
        let case = cases.iter().find(|case| case.handler == handler);
        let case = case.with_context(|| format!("{handler} is a route without an authorization test"))?;
        let path = case.path.replace("{id}", &make(&alice)?);
        let call = |key: Option<&str>| {
            let mut headers = vec![("idempotency-key", "matrix")];
            headers.extend(key.map(|key| ("x-api-key", key)));
            let body = case.body.as_ref().map(Value::to_string);
            cloud.send(system.name(), method.as_str(), &path, &headers, body.as_deref())
        };
        let (nobody, scopeless) = if access == Access::Public { (case.right, case.right) } else { (401, 403) };
        let forged = format!("{}x", &alice.full[..alice.full.len() - 1]);
        for (who, key, wanted) in [
            ("nobody", None, nobody),
            ("a forged key", Some(forged.as_str()), nobody),
            ("the wrong scope", Some(alice.wrong.as_str()), scopeless),
            ("another tenant", Some(bob.full.as_str()), case.other),
            ("the right tenant", Some(alice.full.as_str()), case.right),
        ] {
            let answer = call(key)?;
            ensure!(
                answer.status == wanted,
                "{handler} for {who}: {} instead of {wanted}: {}",
                answer.status,
                answer.body
            );
            if wanted >= 400 {
                ensure!(
                    answer.headers["content-type"] == "application/problem+json",
                    "{handler}: {:?}",
                    answer.headers
                );
                ensure!(answer.body["status"] == wanted, "{handler}: {}", answer.body);
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
    let cases = [
        case("create_link", "/links", Some(json!({"url": "https://a.example"})), 201, 201),
        case("list_links", "/links", None, 200, 200),
        case("get_link", "/links/{id}", None, 200, 404),
        case("delete_link", "/links/{id}", None, 204, 404),
        case("get_stats", "/links/{id}/stats", None, 200, 404),
        case("check_health", "/health", None, 200, 200),
        case("follow_link", "/{id}", None, 302, 302),
    ];
    hold(&cloud, &::url_shortener::system(), &cases, |alice| {
        cloud.call("url-shortener", "POST", "/links", Some(&alice.full), Some(&link()))?.text("code")
    })
}

#[test]
fn every_route_of_identity() -> Result<()> {
    let cloud = Cloud::connect()?;
    let key = json!({"name": "ci", "scopes": ["keys:read"]});
    let cases = [
        case("create_key", "/keys", Some(key.clone()), 201, 201),
        case("list_keys", "/keys", None, 200, 200),
        case("get_key", "/keys/{id}", None, 200, 404),
        case("revoke_key", "/keys/{id}", None, 204, 404),
        case("rotate_key", "/keys/{id}/rotate", Some(json!({})), 201, 404),
        case("check_health", "/health", None, 200, 200),
    ];
    hold(&cloud, &::identity::system(), &cases, |alice| {
        let headers = [("x-api-key", alice.full.as_str()), ("idempotency-key", &fresh("key"))];
        let answer = cloud.send("identity", "POST", "/keys", &headers, Some(&key.to_string()))?;
        answer.body["key"]["id"].as_str().map(str::to_owned).with_context(|| answer.body.to_string())
    })
}
