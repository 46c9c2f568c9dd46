//! Policies and decisions as callers see them.

use limiter::{Decision, Policy, Reason, StoredPolicy};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use types::Instant;
use web::header::{ETAG, LOCATION};
use web::limits::{retry_after_seconds, tell};
use web::{IntoResponse, Json, Operation, Output, Response, StatusCode, etag};

/// A policy and its version.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "StoredPolicy")]
pub struct PolicyView {
    /// As it was asked for.
    pub id: String,
    /// 1, 2, …, also through a deletion; the `ETag` has it too.
    pub version: u64,
    /// The policy; absent in the version that deleted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "as_it_is_sent")]
    pub policy: Option<Policy>,
    /// When this version was made.
    pub created_at: Instant,
    /// Who made it.
    pub created_by: String,
}

/// The schema of the body that makes it: what is stored is what was sent, with its defaults.
fn as_it_is_sent(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"$ref": "#/components/schemas/Policy"})
}

impl PolicyView {
    /// The JSON of a version that was asked for as `id`.
    pub fn of(id: &str, stored: StoredPolicy) -> Self {
        let StoredPolicy { version, policy, created_at, created_by, .. } = stored;
        Self { id: id.to_owned(), version, policy, created_at, created_by }
    }
}

/// A policy with its `ETag`, made now or standing.
#[derive(Debug)]
pub struct Tagged {
    /// Whether this is the first version.
    pub created: bool,
    /// The policy.
    pub view: PolicyView,
}

impl IntoResponse for Tagged {
    fn into_response(self) -> Response {
        let (tag, location) = (etag(self.view.version), format!("/policies/{}", self.view.id).parse());
        let status = if self.created { StatusCode::CREATED } else { StatusCode::OK };
        let mut response = (status, Json(self.view)).into_response();
        response.headers_mut().insert(ETAG, tag);
        if let Some(location) = location.ok().filter(|_| self.created) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

impl Output for Tagged {
    fn describe(operation: &mut Operation<'_>) {
        operation.json::<PolicyView>(200, "The policy; `ETag` has its version.");
        operation.json::<PolicyView>(201, "It is made, and is at `Location`.");
    }
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecisionView {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Why.
    pub reason: Reason,
    /// The policy.
    pub policy: String,
    /// Its version; another sandbox may use one that is up to 30 s older.
    pub version: u64,
    /// The dimension that refused, or else has the least room; this and what follows is absent without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimension: Option<String>,
    /// Most units at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Units left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    /// When all that was taken counts no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_at: Option<Instant>,
    /// After a refusal: when there may be room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<i64>,
    /// Leaky bucket: how long the request waits for its turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

impl DecisionView {
    /// The JSON of a decision.
    pub fn of(policy: &str, version: u64, decision: &Decision, now: Instant) -> Self {
        let part = decision.telling();
        let wait_ms = u64::try_from(decision.wait.as_millis()).unwrap_or(u64::MAX);
        Self {
            allowed: decision.allowed,
            reason: decision.reason,
            policy: policy.to_owned(),
            version,
            dimension: part.map(|part| part.dimension.clone()),
            limit: part.map(|part| part.most),
            remaining: part.map(|part| part.remaining),
            reset_at: part.map(|part| part.reset_at),
            retry_after_seconds: (!decision.allowed).then(|| retry_after_seconds(decision, now)),
            wait_ms: (wait_ms > 0).then_some(wait_ms),
        }
    }
}

/// A decision with the headers that tell it too, for those who pass them on.
#[derive(Debug)]
pub struct Decided<T> {
    /// The body.
    pub body: T,
    /// `X-RateLimit-…`, `Retry-After`, and where the policy says so the IETF fields.
    pub headers: web::HeaderMap,
}

impl<T> Decided<T> {
    /// A body with the headers of a decision.
    pub fn new(body: T, id: &str, policy: &Policy, decision: &Decision, now: Instant) -> Self {
        let mut headers = web::HeaderMap::new();
        tell(id, policy, decision, now, &mut headers);
        Self { body, headers }
    }
}

impl<T: Serialize> IntoResponse for Decided<T> {
    fn into_response(self) -> Response {
        (self.headers, Json(self.body)).into_response()
    }
}

impl<T: Serialize + JsonSchema> Output for Decided<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.json::<T>(200, "The decision, which the headers tell too.");
    }
}
