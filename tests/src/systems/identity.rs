//! Identity, as its documentation would tell it.

use identity::{App, system};
use serde_json::json;
use testkit::{Worlds, play};

use crate::cloud::access::{Case, case};

const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// How the deployed routes are called by the right tenant and by another one.
pub(crate) fn access() -> Vec<Case> {
    vec![
        case("create_key", "/keys", Some(json!({"name": "ci", "scopes": ["keys:read"]})), 201, 201),
        case("list_keys", "/keys", None, 200, 200),
        case("get_key", "/keys/{id}", None, 200, 404),
        case("revoke_key", "/keys/{id}", None, 204, 404),
        case("rotate_key", "/keys/{id}/rotate", Some(json!({})), 201, 404),
        case("check_health", "/health", None, 200, 200),
    ]
}

#[track_caller]
fn check(script: &str) {
    play(&WORLDS, &[], script);
}

#[test]
fn a_key_is_shown_once_and_never_listed() {
    check(
        "alice  POST /keys {name: ci, scopes: [keys:read]} [Idempotency-Key: k1]  201 {key: {id: $id, owner: alice, tier: pro, active: true}, secret: $secret}
         # the key, behind a unit of the caller's limit and, once in 20 s, the stored policy
         calls 3
         alice  POST /keys {name: ci, scopes: [keys:read]} [Idempotency-Key: k1]  201 {key: {id: $id}, secret: null}
         alice  POST /keys {name: cd, scopes: [keys:read]} [Idempotency-Key: k1]  422 idempotency-key-reused
         alice  POST /keys {name: ci, scopes: [keys:read]}                        400 idempotency-key-missing
         alice  GET  /keys/$id  200 {name: ci, secret: null, hash: null}
         alice  GET  /keys      200 {items: [{id: $id, secret: null, hash: null}]}",
    );
}

#[test]
fn nobody_gives_more_than_they_hold() {
    check(
        "alice(keys:write) POST /keys {name: ci, scopes: [links:read]} [Idempotency-Key: k1]               403 scope-not-held
         alice  POST /keys {name: ci, scopes: [admin]} [Idempotency-Key: k1]                               403 scope-not-held
         alice  POST /keys {name: ci, scopes: [keys:read], owner: bob} [Idempotency-Key: k1]               403 admin-needed
         alice  POST /keys {name: ci, scopes: [keys:read], tier: enterprise} [Idempotency-Key: k1]         403 admin-needed
         root(admin) POST /keys {name: ci, scopes: [links:read], owner: bob, tier: free} [Idempotency-Key: k1]  201 {key: {owner: bob, tier: free}}
         alice  POST /keys {name: ci, scopes: [nonsense]} [Idempotency-Key: k1]                            422 scopes-invalid
         alice  POST /keys {name: '', scopes: [keys:read]} [Idempotency-Key: k1]                           422 name-invalid
         alice  POST /keys {name: ci, scopes: [keys:read], ttl_seconds: 0} [Idempotency-Key: k1]           422 expiry-invalid",
    );
}

#[test]
fn keys_are_made_ten_a_minute() {
    let make =
        |number| format!("alice  POST /keys {{name: ci, scopes: [keys:read]}} [Idempotency-Key: k{number}]  201");
    let nine: String = (1..10).map(|number| make(number) + "\n").collect();
    let first = make(0);
    check(&format!(
        "{first} {{key: {{id: $id}}}}
         {nine}
         header x-ratelimit-remaining 0
         alice  POST /keys {{name: ci, scopes: [keys:read]}} [Idempotency-Key: k10]  429 rate-limited
         header retry-after 6
         alice  POST /keys/$id/rotate {{}}  429 rate-limited
         bob    POST /keys {{name: ci, scopes: [keys:read]}} [Idempotency-Key: k1]  201
         alice/enterprise  POST /keys/$id/rotate {{}}  201"
    ));
}

#[test]
fn a_revoked_key_is_no_good_and_stays_visible_for_a_while() {
    check(
        "alice  POST /keys {name: ci, scopes: [keys:read]} [Idempotency-Key: k1]  201 {key: {id: $id}}
         bob    DELETE /keys/$id  404 key-not-found
         bob    GET    /keys/$id  404 key-not-found
         root(admin) GET /keys/$id  200
         alice  GET    /keys/no-key-has-such-a-name  404 key-not-found
         calls 0
         alice  DELETE /keys/$id  204
         alice  DELETE /keys/$id  204
         alice  GET    /keys/$id  200 {active: false}
         alice  POST   /keys/$id/rotate {}  409 key-not-active
         clock  +31d
         alice  GET    /keys/$id  404 key-not-found",
    );
}

#[test]
fn a_rotated_key_goes_on_for_its_grace() {
    check(
        "alice  POST /keys {name: ci, scopes: [keys:read]} [Idempotency-Key: k1]  201 {key: {id: $old}}
         alice  POST /keys/$old/rotate {grace_seconds: 60}      201 {key: {id: $new, scopes: ['keys:read'], active: true}, secret: $secret}
         alice  POST /keys/$old/rotate {grace_seconds: 60}      409 key-not-active
         bob    POST /keys/$new/rotate {}                       404 key-not-found
         alice  POST /keys/$new/rotate {grace_seconds: 999999}  422 grace-too-long
         alice(keys:write) POST /keys/$new/rotate {}            403 scope-not-held
         alice  GET  /keys/$old  200 {active: true, replaced_by: $new}
         clock  +60s
         alice  GET  /keys/$old  200 {active: false}
         alice  GET  /keys/$new  200 {active: true}",
    );
}

#[test]
fn nobody_and_a_caller_without_the_scope_are_refused() {
    check(
        "anon              GET    /keys           401 unauthenticated
         alice(keys:write) GET    /keys           403 insufficient-scope
         alice(keys:write) GET    /keys/x         403 insufficient-scope
         alice(keys:read)  POST   /keys {name: ci, scopes: [keys:read]} [Idempotency-Key: k1]  403 insufficient-scope
         alice(keys:read)  DELETE /keys/x         403 insufficient-scope
         alice(keys:read)  POST   /keys/x/rotate {}  403 insufficient-scope
         anon              GET    /health         200 {status: ok}
         anon              GET    /openapi.json   200 {openapi: 3.1.0}
         anon              GET    /docs           200
         anon              GET    /else           404 no-such-route",
    );
}

/// A WebSocket API asks in REST's form and wants a policy; its caller may be a browser, which sends no headers.
#[test]
fn the_authorizer_answers_a_websocket_with_a_policy() {
    let run = async {
        let mut world = WORLDS.make(&[]).await?;
        let issue = serde_json::json!({"owner": "alice", "name": "ci", "scopes": ["links:read"]});
        let issued = world.invoke("issue_key", &issue).await?;
        let key = issued["secret"].as_str().unwrap_or_default();
        let arn = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4/dev/$connect";
        let ask = |headers: serde_json::Value, query: serde_json::Value| json!({"type": "REQUEST", "methodArn": arn, "headers": headers, "queryStringParameters": query});
        let statement = json!({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": arn});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        let known = json!({"caller": "alice", "scopes": "links:read", "tier": "free"});
        for (headers, query, principal, context) in [
            (json!({"X-Api-Key": key}), json!(null), "alice", known),
            (json!({"Host": "x"}), json!(null), "nobody", json!({})),
            (json!({}), json!({"access_token": key}), "nobody", json!({})), // a key is for no URL
            (json!({}), json!({"access_token": "x.y.z"}), "nobody", json!({})),
        ] {
            let answer = world.invoke("authorize", &ask(headers, query)).await?;
            assert_eq!(answer, json!({"principalId": principal, "policyDocument": policy, "context": context}));
        }
        anyhow::Ok(())
    };
    tokio::runtime::Runtime::new().unwrap().block_on(run).unwrap();
}

/// What the authorizer tells the other systems, and what it costs.
#[test]
fn the_authorizer_names_the_caller_and_remembers_for_a_minute() {
    let run = async {
        let mut world = WORLDS.make(&[]).await?;
        let issue = serde_json::json!({"owner": "alice", "name": "ci", "scopes": ["links:read", "links:write"]});
        let issued = world.invoke("issue_key", &issue).await?;
        let secret = issued["secret"].as_str().unwrap_or_default().to_owned();
        let id = issued["key"]["id"].as_str().unwrap_or_default().to_owned();
        let ask = |name: &str, value: &str| serde_json::json!({"version": "2.0", "headers": {name: value}});
        let known = serde_json::json!({"caller": "alice", "scopes": "links:read links:write", "tier": "free"});
        for (header, value, calls) in [
            ("x-api-key", secret.clone(), 2), // a read, and the note that it was used
            ("authorization", format!("Bearer {secret}"), 0), // remembered, whichever header it comes in
            ("Authorization", format!("bearer {secret}"), 0),
        ] {
            let answer = world.invoke("authorize", &ask(header, &value)).await?;
            assert_eq!(answer, serde_json::json!({"isAuthorized": true, "context": known}), "{header}");
            let made: u32 = world.records.last().unwrap().meter.calls.values().sum();
            assert_eq!(made, calls, "{header}");
        }
        // Another sandbox has to look, but the use was written down less than a minute ago.
        let other = world.sandbox(&WORLDS)?.remove("authorize").unwrap();
        let seen = other.invoke(&ask("x-api-key", &secret).to_string(), "id", std::time::Duration::from_secs(20)).await;
        assert_eq!(seen.record.meter.calls.values().sum::<u32>(), 1, "{:?}", seen.record.meter.calls);
        let mut wrong = secret.clone();
        let last = if wrong.pop() == Some('a') { 'b' } else { 'a' };
        wrong.push(last);
        let not_alice =
            ["", "Basic YWxpY2U6eA==", "Bearer", "Bearer x.y.z", &format!("Bearer {wrong}"), "Bearer alm_short"];
        for value in not_alice {
            let answer = world.invoke("authorize", &ask("authorization", value)).await?;
            assert_eq!(answer, serde_json::json!({"isAuthorized": true, "context": {}}), "{value}");
        }
        world.http("DELETE", &format!("/keys/{id}"), &[], None, Some(("alice", "keys:write", "free"))).await?;
        let again = world.invoke("authorize", &ask("x-api-key", &secret)).await?;
        assert_eq!(again["context"], known, "the stated staleness: up to a minute in a sandbox that saw the key");
        world.clock.advance(std::time::Duration::from_secs(60));
        let later = world.invoke("authorize", &ask("x-api-key", &secret)).await?;
        assert_eq!(later["context"], serde_json::json!({}));
        anyhow::Ok(())
    };
    tokio::runtime::Runtime::new().unwrap().block_on(run).unwrap();
}
