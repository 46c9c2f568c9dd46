//! What a request carries, parsed or refused with the place of the mistake.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::Problem;
use crate::describe::{Input, Operation};
use crate::kind::shared;

/// The largest JSON body taken, in bytes.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// A JSON body. Unknown fields are refused where the type says `deny_unknown_fields`, as every request here does.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media != "application/json" && !(media.starts_with("application/") && media.ends_with("+json")) {
            return Err(Problem::of(shared::UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(unreadable)?;
        parse(&bytes).map(Self)
    }
}

impl<T: JsonSchema> Input for Body<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.body::<T>();
        for kind in
            [shared::MALFORMED_BODY, shared::BODY_TOO_LARGE, shared::UNSUPPORTED_MEDIA_TYPE, shared::INVALID_BODY]
        {
            operation.refusal(kind);
        }
    }
}

fn unreadable(_: BytesRejection) -> Problem {
    Problem::of(shared::MALFORMED_BODY).detail("It could not be read.")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(Problem::of(shared::BODY_TOO_LARGE).with("limit_bytes", MAX_BODY_BYTES));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value: Result<T, _> = serde_path_to_error::deserialize(&mut reader);
    match value {
        Ok(value) => reader.end().map(|()| value).map_err(|e| malformed(&e)),
        Err(error) if error.inner().is_data() => Err(Problem::of(shared::INVALID_BODY)
            .detail(error.inner().to_string())
            .with("pointer", pointer(error.path()))),
        Err(error) => Err(malformed(error.inner())),
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::of(shared::MALFORMED_BODY).detail(error.to_string())
}

/// The path as a JSON pointer (RFC 6901) in a URI fragment.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = "#".to_owned();
    for segment in path {
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => break,
        };
        pointer.push('/');
        pointer.push_str(&step);
    }
    pointer
}

/// The query string.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::try_from_uri(&parts.uri);
        read.map(|axum::extract::Query(query)| Self(query))
            .map_err(|e| Problem::of(shared::INVALID_QUERY).detail(e.body_text()))
    }
}

impl<T: JsonSchema> Input for Query<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.query::<T>();
        operation.refusal(shared::INVALID_QUERY);
    }
}

/// The parameters of the path.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(path)| Self(path))
            .map_err(|e| Problem::of(shared::INVALID_PATH).detail(e.body_text()))
    }
}

impl<T: JsonSchema> Input for Path<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.path::<T>();
        operation.refusal(shared::INVALID_PATH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Request {
        tags: Vec<u8>,
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let status =
            |text: &str| parse::<Request>(text.as_bytes()).map(|_| 200).unwrap_or_else(|p| p.status().as_u16());
        assert_eq!(status("{\"tags\": [1]}"), 200);
        assert_eq!(status("{\"tags\": [1]"), 400);
        assert_eq!(status("{\"tags\": [1]} x"), 400);
        assert_eq!(status(""), 400);
        assert_eq!(status("{\"tags\": [1], \"color\": 1}"), 422);
        assert_eq!(status(&format!("{{\"tags\": [{}]}}", " ".repeat(MAX_BODY_BYTES))), 413);
        let problem = format!("{:?}", parse::<Request>(b"{\"tags\": [1, 300]}"));
        assert!(problem.contains("#/tags/1"), "{problem}");
    }
}
