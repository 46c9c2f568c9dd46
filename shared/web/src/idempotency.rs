//! `Idempotency-Key`, after the IETF draft *The Idempotency-Key HTTP Header Field*: 400 where a route needs one and
//! none came, 409 while the first is under way, 422 for the same key with another body, else the first answer again,
//! for 24 h.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use serde_json::json;
use types::Once;

use crate::describe::{Input, Operation};
use crate::kind::shared;
use crate::{Caller, Problem};

/// SHA-256 of the request's body, in hexadecimal; the HTTP front puts it beside every request that has a key.
#[derive(Debug, Clone)]
pub struct BodyDigest(pub String);

/// The request's key, made into a [`Once`] of its caller and operation.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub Once);

impl IdempotencyKey {
    fn of(parts: &Parts) -> Result<Option<Self>, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(None) };
        let key = value.to_str().unwrap_or_default().trim();
        // The draft makes it a quoted string (RFC 9651); most clients send it bare.
        let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
        if key.is_empty() || key.len() > 255 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Problem::of(shared::INVALID_IDEMPOTENCY_KEY)
                .detail("Send 1 to 255 visible ASCII characters, such as a UUID."));
        }
        let caller = Caller::of_parts(parts)?;
        let digest = parts.extensions.get::<BodyDigest>().map(|digest| digest.0.clone()).unwrap_or_default();
        Ok(Some(Self(Once {
            scope: format!("{}#{} {}", caller.id, parts.method, parts.uri.path()),
            key: key.to_owned(),
            fingerprint: digest,
        })))
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(parts)?.ok_or_else(|| Problem::of(shared::IDEMPOTENCY_KEY_MISSING))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Self::of(parts)
    }
}

impl Input for IdempotencyKey {
    fn describe(operation: &mut Operation<'_>) {
        describe(operation, true);
        operation.refusal(shared::IDEMPOTENCY_KEY_MISSING);
    }
}

impl Input for Option<IdempotencyKey> {
    fn describe(operation: &mut Operation<'_>) {
        describe(operation, false);
    }
}

fn describe(operation: &mut Operation<'_>, required: bool) {
    operation.parameter(
        "header",
        "Idempotency-Key",
        required,
        json!({
            "type": "string", "pattern": "^[!-~]{1,255}$", "examples": ["5e2a9c1e-3e7a-4f0e-9a55-6c1f3a4f1d20"],
            "description": "Makes a repetition safe: the same key and body give the first outcome again, for 24 hours.",
        }),
    );
    for kind in [shared::INVALID_IDEMPOTENCY_KEY, shared::IDEMPOTENCY_KEY_IN_PROGRESS, shared::IDEMPOTENCY_KEY_REUSED] {
        operation.refusal(kind);
    }
}
