//! Identity deployed: keys in either header, revocation, tokens of the user pool, and what logs may not hold.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Cloud, eventually};

use super::{fresh, log, records};

fn links_with(cloud: &Cloud, header: (&str, &str)) -> Result<u16> {
    Ok(cloud.send("url-shortener", "GET", "/links", &[header], None)?.status)
}

#[test]
fn a_key_works_in_either_header_until_it_is_revoked() -> Result<()> {
    let cloud = Cloud::connect()?;
    let owner = fresh("alice");
    let mine = cloud.key(&owner, &["keys:read", "keys:write", "links:read"])?;
    let headers = [("x-api-key", mine.as_str()), ("idempotency-key", "one")];
    let body = json!({"name": "ci", "scopes": ["links:read"]}).to_string();
    let issued = cloud.send("identity", "POST", "/keys", &headers, Some(&body))?;
    let (key, id) = (issued.text("secret")?, issued.body["key"]["id"].as_str().context("an id")?.to_owned());
    ensure!(links_with(&cloud, ("x-api-key", &key))? == 200, "as X-Api-Key");
    ensure!(links_with(&cloud, ("authorization", &format!("Bearer {key}")))? == 200, "as a bearer token");
    ensure!(links_with(&cloud, ("authorization", &format!("Basic {key}")))? == 401, "not as anything else");
    let used = cloud.call("identity", "GET", &format!("/keys/{id}"), Some(&mine), None)?;
    ensure!(used.body["last_used_at"].is_string(), "{used:?}");

    // A key with an end gives none that outlives it.
    let headers = [("x-api-key", mine.as_str()), ("idempotency-key", "brief")];
    let brief = json!({"name": "brief", "scopes": ["keys:write", "links:read"], "ttl_seconds": 600}).to_string();
    let brief = cloud.send("identity", "POST", "/keys", &headers, Some(&brief))?;
    let (ends, brief) = (brief.body["key"]["expires_at"].clone(), brief.text("secret")?);
    let headers = [("x-api-key", brief.as_str()), ("idempotency-key", "from-brief")];
    let heir = cloud.send("identity", "POST", "/keys", &headers, Some(&body))?;
    ensure!(heir.status == 201 && heir.body["key"]["expires_at"] == ends, "{heir:?}");

    // A key that no sandbox has seen is refused from the moment it is revoked.
    let headers = [("x-api-key", mine.as_str()), ("idempotency-key", "two")];
    let second = cloud.send("identity", "POST", "/keys", &headers, Some(&body))?;
    let path = format!("/keys/{}", second.body["key"]["id"].as_str().context("an id")?);
    ensure!(cloud.call("identity", "DELETE", &path, Some(&mine), None)?.status == 204, "revoked");
    ensure!(links_with(&cloud, ("x-api-key", &second.text("secret")?))? == 401, "a revoked key");
    Ok(())
}

#[test]
fn a_user_of_the_pool_calls_with_an_access_token() -> Result<()> {
    let cloud = Cloud::connect()?;
    let cognito = |action: &str, payload: &Value| {
        cloud.aws("cognito-idp", &format!("AWSCognitoIdentityProviderService.{action}"), payload)
    };
    let named = |list: &Value, field: &str| -> Result<String> {
        let name = format!("{}-identity", cloud.stage());
        let found = list.as_array().into_iter().flatten().find(|one| one["Name"] == name || one["ClientName"] == name);
        found.and_then(|one| one[field].as_str()).map(str::to_owned).with_context(|| format!("{field} in {list}"))
    };
    let pool = named(&cognito("ListUserPools", &json!({"MaxResults": 60}))?["UserPools"], "Id")?;
    let clients = cognito("ListUserPoolClients", &json!({"UserPoolId": pool, "MaxResults": 60}))?;
    let client = named(&clients["UserPoolClients"], "ClientId")?;
    let (user, password) = (format!("{}@example.com", fresh("user")), "Correct-Horse-7-Battery");
    let email = json!([{"Name": "email", "Value": user}]);
    let create = json!({"UserPoolId": pool, "Username": user, "MessageAction": "SUPPRESS", "UserAttributes": email});
    cognito("AdminCreateUser", &create)?;
    let set = json!({"UserPoolId": pool, "Username": user, "Password": password, "Permanent": true});
    cognito("AdminSetUserPassword", &set)?;
    let credentials = json!({"USERNAME": user, "PASSWORD": password});
    let login = json!({"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": credentials});
    let tokens = cognito("InitiateAuth", &login)?["AuthenticationResult"].take();
    let token = |name: &str| tokens[name].as_str().map(str::to_owned).with_context(|| tokens.to_string());
    let (access, id) = (token("AccessToken")?, token("IdToken")?);
    ensure!(links_with(&cloud, ("authorization", &format!("Bearer {access}")))? == 200, "an access token");
    ensure!(links_with(&cloud, ("authorization", &format!("Bearer {id}")))? == 401, "an id token is no access token");
    let (head, tail) = access.split_at(access.len() - 10);
    let flipped: String = tail.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).collect();
    ensure!(links_with(&cloud, ("authorization", &format!("Bearer {head}{flipped}")))? == 401, "a forged token");

    // The user is a tenant like any other, and no token makes an admin.
    let bearer = format!("Bearer {access}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "one")];
    let own = json!({"name": "ci", "scopes": ["links:read"]}).to_string();
    let issued = cloud.send("identity", "POST", "/keys", &headers, Some(&own))?;
    let owner = issued.body["key"]["owner"].as_str().unwrap_or_default();
    ensure!(issued.status == 201 && owner.starts_with("user:"), "{issued:?}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "two")];
    let admin = json!({"name": "ci", "scopes": ["admin"]}).to_string();
    ensure!(cloud.send("identity", "POST", "/keys", &headers, Some(&admin))?.status == 403, "no admin");
    Ok(())
}

#[test]
fn logs_tell_what_happened_and_hold_no_key() -> Result<()> {
    let cloud = Cloud::connect()?;
    let owner = fresh("alice");
    let key = cloud.key(&owner, &["links:read"])?;
    ensure!(links_with(&cloud, ("x-api-key", &key))? == 200, "a call to log");
    let secret = key.rsplit('_').next().context("a key has a secret half")?.to_owned();
    let line = eventually("the authorizer's log line", Duration::from_secs(20), || {
        Ok(records(&cloud, "identity", "authorize")?.into_iter().find(|line| line["handler"] == "authorize"))
    })?;
    ensure!(line["stage"] == cloud.stage() && line["system"] == "identity" && line["request_id"].is_string(), "{line}");
    ensure!(line["latency_ms"].is_number() && line["read_units"].is_number(), "{line}");
    for system in ["identity", "url-shortener"] {
        ensure!(log(&cloud, system, "")?.iter().all(|line| !line.contains(&secret)), "a key in the log of {system}");
    }
    Ok(())
}

#[test]
fn what_no_route_takes_is_a_problem_too() -> Result<()> {
    let cloud = Cloud::connect()?;
    let answer = cloud.call("identity", "PATCH", "/keys", None, None)?;
    ensure!(answer.status == 405 && answer.problem() == "method-not-allowed", "{answer:?}");
    ensure!(answer.headers["allow"] == "POST, GET, HEAD", "{answer:?}");
    let head = cloud.call("identity", "HEAD", "/health", None, None)?;
    ensure!(head.status == 200, "what Allow names is allowed: {head:?}");
    Ok(())
}
