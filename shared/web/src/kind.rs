//! Types of problems. `problems!` declares them once: what is refused and what is documented are the same.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// A type of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The status it is answered with.
    pub status: StatusCode,
    /// `/problems/{slug}` is its `type`: `system/slug`, or a slug alone where every system has it.
    pub slug: &'static str,
    /// What it says, the same each time.
    pub title: &'static str,
}

impl Kind {
    /// A problem of this type, without what is special to an occurrence.
    pub fn example(&self) -> Value {
        json!({
            "type": format!("/problems/{}", self.slug),
            "title": self.title,
            "status": self.status.as_u16(),
            "instance": "urn:uuid:019e718a-22e3-49f6-983a-ffc292d02d3e",
        })
    }
}

/// Declares types of problems as constants, and `ALL` of them: `NAME = STATUS "slug" "Title";`
#[macro_export]
macro_rules! problems {
    ($($name:ident = $status:ident $slug:literal $title:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: $crate::Kind =
                $crate::Kind { status: $crate::StatusCode::$status, slug: $slug, title: $title };
        )*
        /// All of them.
        pub const ALL: &[$crate::Kind] = &[$($name),*];
    };
}

/// The problems that every system has.
pub mod shared {
    problems! {
        MALFORMED_BODY = BAD_REQUEST "malformed-body" "The body is not valid JSON";
        INVALID_QUERY = BAD_REQUEST "invalid-query" "The query string is not what this expects";
        INVALID_PATH = BAD_REQUEST "invalid-path" "The path is not what this expects";
        INVALID_CURSOR = BAD_REQUEST "invalid-cursor" "This is no cursor of this list";
        IDEMPOTENCY_KEY_MISSING = BAD_REQUEST
            "idempotency-key-missing" "This request needs an Idempotency-Key header";
        INVALID_IF_MATCH = BAD_REQUEST "invalid-if-match" "If-Match is no entity tag of this kind";
        INVALID_IDEMPOTENCY_KEY = BAD_REQUEST "invalid-idempotency-key" "The Idempotency-Key is not usable";
        UNAUTHENTICATED = UNAUTHORIZED "unauthenticated" "A valid credential is needed";
        INSUFFICIENT_SCOPE = FORBIDDEN
            "insufficient-scope" "The credential lacks the scope that this needs";
        NO_SUCH_ROUTE = NOT_FOUND "no-such-route" "There is nothing at this path";
        METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED "method-not-allowed" "The path does not take this method";
        IDEMPOTENCY_KEY_IN_PROGRESS = CONFLICT
            "idempotency-key-in-progress" "A request with this Idempotency-Key is being carried out";
        PRECONDITION_FAILED = PRECONDITION_FAILED "precondition-failed" "It is another version by now";
        BODY_TOO_LARGE = PAYLOAD_TOO_LARGE "body-too-large" "The body is too large";
        UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE
            "unsupported-media-type" "The body must be application/json";
        INVALID_BODY = UNPROCESSABLE_ENTITY "invalid-body" "The body is JSON but not what this expects";
        IDEMPOTENCY_KEY_REUSED = UNPROCESSABLE_ENTITY
            "idempotency-key-reused" "The Idempotency-Key was used with another request body";
        RATE_LIMITED = TOO_MANY_REQUESTS "rate-limited" "Too many requests";
        INTERNAL = INTERNAL_SERVER_ERROR "internal" "Something failed on our side";
        UNAVAILABLE = SERVICE_UNAVAILABLE "unavailable" "The service cannot answer at this moment";
    }
}
