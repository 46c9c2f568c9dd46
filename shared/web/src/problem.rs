//! Problem details for HTTP APIs (RFC 9457): the one form of every answer of 400 and above.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use types::{Fault, OnceRefusal};

use crate::describe::{Operation, Output};
use crate::kind::{Kind, shared};

/// What is told to the client, and the fault behind it, which is not.
#[derive(Debug)]
pub struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    detail: Option<String>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    fault: Option<Fault>,
}

/// Left in a problem's response for the log and the metrics: its type, and the fault behind it.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Last segment of the problem type.
    pub kind: &'static str,
    /// The fault's whole chain, where the problem is ours.
    pub fault: Option<String>,
}

impl Problem {
    /// A problem of a declared type.
    pub fn of(kind: Kind) -> Self {
        Self(Box::new(Inner { kind, detail: None, members: Map::new(), headers: Vec::new(), fault: None }))
    }

    /// A problem of type `/problems/{slug}`. `slug` is `system/slug`, or a slug alone where every system has it.
    pub fn new(status: StatusCode, slug: &'static str, title: &'static str) -> Self {
        Self::of(Kind { status, slug, title })
    }

    /// 400 for a request that cannot be understood.
    pub fn bad_request(kind: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, kind, title)
    }

    /// 404.
    pub fn not_found(kind: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, kind, title)
    }

    /// 401: no credential, or none that is good.
    pub fn unauthenticated() -> Self {
        Self::of(shared::UNAUTHENTICATED)
            .detail("Send an API key or a token as `Authorization: Bearer …`, or an API key as `X-Api-Key: …`.")
            .header(WWW_AUTHENTICATE, "Bearer realm=\"almanac\"")
    }

    /// 403: a good credential without the scope.
    pub fn insufficient_scope(scope: &'static str) -> Self {
        Self::of(shared::INSUFFICIENT_SCOPE).with("scope", scope)
    }

    /// Explains this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds a typed member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.0.members.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.0.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.headers.push((RETRY_AFTER, HeaderValue::from(delay.as_secs().max(1))));
        self
    }

    /// The document, as it is sent: for one of many results in an answer, which has no headers of its own.
    pub fn document(&self) -> Map<String, Value> {
        let Inner { kind: Kind { status, slug, title }, detail, members, .. } = &*self.0;
        let mut document = Map::new();
        document.insert("type".to_owned(), format!("/problems/{slug}").into());
        document.insert("title".to_owned(), (*title).into());
        document.insert("status".to_owned(), status.as_u16().into());
        if let Some(detail) = detail {
            document.insert("detail".to_owned(), detail.as_str().into());
        }
        document.insert("instance".to_owned(), format!("urn:uuid:{}", aws::invocation::request_id()).into());
        document.extend(members.clone());
        document
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.kind.status
    }
}

/// 503 for what may pass, 500 for what repeats; neither says why.
impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let mut problem = if fault.is_transient() {
            Self::of(shared::UNAVAILABLE).retry_after(Duration::from_secs(1))
        } else {
            Self::of(shared::INTERNAL)
        };
        problem.0.fault = Some(fault);
        problem
    }
}

impl From<OnceRefusal> for Problem {
    fn from(refusal: OnceRefusal) -> Self {
        match refusal {
            OnceRefusal::Mismatch => Self::of(shared::IDEMPOTENCY_KEY_REUSED),
            OnceRefusal::InProgress => {
                Self::of(shared::IDEMPOTENCY_KEY_IN_PROGRESS).retry_after(Duration::from_secs(1))
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = Value::Object(self.document());
        let Inner { kind: Kind { status, slug, .. }, headers, fault, .. } = *self.0;
        let mut response = Response::new(Body::from(document.to_string()));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        let kind = slug.rsplit('/').next().unwrap_or(slug);
        response.extensions_mut().insert(Refused { kind, fault: fault.map(|fault| fault.chain()) });
        response
    }
}

/// Every operation may refuse beyond what its arguments say; the document has a default for that.
impl<T: Output> Output for Result<T, Problem> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
        operation.refusal(shared::INTERNAL);
        operation.refusal(shared::UNAVAILABLE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn a_fault_is_opaque_outside_and_whole_inside() -> Result<(), axum::Error> {
        let fault = Fault::permanent("reading").caused_by(std::io::Error::other("table secret-name"));
        let response = Problem::from(fault).into_response();
        let refused = response.extensions().get::<Refused>().cloned();
        assert_eq!(refused.and_then(|r| r.fault).as_deref(), Some("reading: table secret-name"));
        let body = response.into_body().collect().await?.to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!(body["status"], 500);
        assert!(!body.to_string().contains("secret-name"));
        Ok(())
    }
}
