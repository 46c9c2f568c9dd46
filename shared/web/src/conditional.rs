//! Conditional requests (RFC 9110, section 13) on things that have versions: `ETag: "3"`, `If-Match: "3"`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use serde_json::json;

use crate::Problem;
use crate::describe::{Input, Operation};
use crate::kind::shared;

/// Which version the client means to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMatch {
    /// No `If-Match`: the newest, or none.
    Whatever,
    /// `*`: the newest, but not none.
    Any,
    /// This version.
    Version(u64),
}

impl IfMatch {
    /// Whether the newest version, or that there is none, is what is meant.
    pub fn holds(self, newest: Option<u64>) -> bool {
        match self {
            Self::Whatever => true,
            Self::Any => newest.is_some(),
            Self::Version(version) => newest == Some(version),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self::Whatever) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self::Any);
        }
        let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
        version.map(Self::Version).ok_or_else(|| Problem::of(shared::INVALID_IF_MATCH))
    }
}

impl Input for IfMatch {
    fn describe(operation: &mut Operation<'_>) {
        let schema = json!({
            "type": "string", "pattern": "^(\\*|\"[0-9]{1,19}\")$", "examples": ["\"3\""],
            "description": "The `ETag` of the version to be changed; without it, the newest is.",
        });
        operation.parameter("header", "If-Match", false, schema);
        operation.refusal(shared::INVALID_IF_MATCH);
        operation.refusal(shared::PRECONDITION_FAILED);
    }
}

/// The entity tag of a version.
pub fn etag(version: u64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}
