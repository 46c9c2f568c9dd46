//! Idempotency of a request, after the IETF draft *The Idempotency-Key HTTP Header Field*
//! (httpapi-idempotency-key-header).

use std::time::Duration;

/// How long a key is remembered.
pub const ONCE_TTL: Duration = Duration::from_secs(24 * 3600);

/// One request that must take effect once: who asked for what under which key, and a digest of what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Caller and operation; the same key of another caller or operation is another request.
    pub scope: String,
    /// The client's `Idempotency-Key`.
    pub key: String,
    /// Digest of the request's body: the same key with another body is refused.
    pub fingerprint: String,
}

/// Why a keyed request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OnceRefusal {
    /// 422: the key was used with a different body.
    #[error("this Idempotency-Key was used with a different request body")]
    Mismatch,
    /// 409: a request with this key is being carried out at this moment.
    #[error("a request with this Idempotency-Key is in progress")]
    InProgress,
}
