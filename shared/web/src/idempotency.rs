//! `Idempotency-Key`, after the IETF draft *The Idempotency-Key HTTP Header Field*: 400 where a route needs one and
//! none came, 409 while the first is under way, 422 for the same key with another body, else the first answer again,
//! for 24 h.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use types::Once;

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
            return Err(Problem::bad_request("invalid-idempotency-key", "The Idempotency-Key is not usable")
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
        Self::of(parts)?.ok_or_else(|| {
            Problem::bad_request("idempotency-key-missing", "This request needs an Idempotency-Key header")
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Self::of(parts)
    }
}
