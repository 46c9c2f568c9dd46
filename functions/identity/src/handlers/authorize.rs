//! The Lambda authorizer of every HTTP and WebSocket API: says who calls. Whether they may is the function's to say.

use std::collections::HashMap;
use std::time::Duration;

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::json;
use types::{Fault, Instant, Tier};

use crate::App;
use crate::domain::{self, Credential};

/// How long a good credential is remembered by this sandbox: a revoked key works for at most this long.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// Longest credential looked at, in bytes.
const LONGEST: usize = 8192;

/// API Gateway's question: for an HTTP API in payload format 2.0, for a WebSocket API (on `$connect`) in REST's form,
/// which names the method's ARN and wants a policy.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    #[serde(default)]
    headers: HashMap<String, String>,
    method_arn: Option<String>,
    query_string_parameters: Option<HashMap<String, String>>,
}

/// The answer. It always lets the request through: a caller is named, or none is, and the function answers 401 with a
/// problem where it needs one. The gateway's own refusal would be a bare 403.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
#[allow(missing_docs)]
pub enum Response {
    #[serde(rename_all = "camelCase")]
    Simple { is_authorized: bool, context: Context },
    #[serde(rename_all = "camelCase")]
    Policy { principal_id: String, policy_document: serde_json::Value, context: Context },
}

/// What the functions learn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Context {
    #[serde(skip_serializing_if = "String::is_empty")]
    caller: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    scopes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<Tier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<Instant>,
}

/// Good credentials that this sandbox saw lately, by their keyed hash.
pub struct Remembered(Cache<String, (Context, Instant)>);

impl Default for Remembered {
    fn default() -> Self {
        Self(Cache::new(10_000))
    }
}

/// Nothing for a credential seen in the last minute; else one read, and at most once a minute for a key one write.
pub async fn handle(app: App, request: Request) -> Result<Response, Fault> {
    let token = || request.method_arn.as_ref().and_then(|_| token(request.query_string_parameters.as_ref()?));
    let context = match credential(&request.headers).or_else(token) {
        Some(credential) => identify(&app, &credential).await?,
        None => None,
    };
    let context = context.unwrap_or_default();
    let Some(arn) = request.method_arn else { return Ok(Response::Simple { is_authorized: true, context }) };
    let statement = json!({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": arn});
    let policy_document = json!({"Version": "2012-10-17", "Statement": [statement]});
    let principal_id = if context.caller.is_empty() { "nobody".to_owned() } else { context.caller.clone() };
    Ok(Response::Policy { principal_id, policy_document, context })
}

/// `?access_token=…` of a WebSocket's handshake, in which browsers cannot send headers. A token alone, which ends soon:
/// URLs are written into logs, where an API key must not be.
fn token(query: &HashMap<String, String>) -> Option<String> {
    let token = query.get("access_token").filter(|text| (1..=LONGEST).contains(&text.len()))?;
    Credential::parse(token).is_none().then(|| token.clone())
}

/// `Authorization: Bearer …`, or `X-Api-Key: …`; the first one wins.
fn credential(headers: &HashMap<String, String>) -> Option<String> {
    let header =
        |name: &str| headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
    let bearer = header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    bearer.or_else(|| header("x-api-key")).filter(|text| (1..=LONGEST).contains(&text.len())).map(str::to_owned)
}

async fn identify(app: &App, text: &str) -> Result<Option<Context>, Fault> {
    let (now, hash) = (app.clock.now(), app.hashing.mac_text(text.as_bytes()));
    if let Some((context, until)) = app.remembered.0.get(&hash)
        && now < until
    {
        aws::count("remembered", 1.0);
        return Ok(Some(context));
    }
    let found = match (Credential::parse(text), &app.verifier) {
        (Some(credential), _) => of_key(app, &credential, now).await?,
        (None, Some(verifier)) => verifier.verify(text, now).await?.and_then(|user| {
            let caller = domain::user(&user.subject)?;
            let scopes = [app.user_scopes.to_vec(), user.scopes].concat().join(" ");
            Some((Context { caller, scopes, tier: Some(Tier::Free), ends: None }, Some(user.expires_at)))
        }),
        (None, None) => None,
    };
    let Some((context, ends)) = found else { return Ok(None) };
    let until = ends.map_or(now + REMEMBERED_FOR, |ends| ends.min(now + REMEMBERED_FOR));
    app.remembered.0.insert(hash, (context.clone(), until));
    Ok(Some(context))
}

async fn of_key(app: &App, credential: &Credential, now: Instant) -> Result<Option<(Context, Option<Instant>)>, Fault> {
    let Some(key) = app.store.find(credential.id()).await? else { return Ok(None) };
    if !credential.matches(&key, &app.hashing) || !key.is_active(now) {
        return Ok(None);
    }
    if key.use_is_news(now)
        && let Err(fault) = app.store.note_use(&key.id, now).await
    {
        tracing::warn!(fault = fault.chain(), key = key.id, "the use of a key was not written down");
    }
    let (scopes, ends) = (key.scopes.join(" "), key.expires_at);
    Ok(Some((Context { caller: key.owner, scopes, tier: Some(key.tier), ends }, ends)))
}
