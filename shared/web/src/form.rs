//! Bodies of HTML forms, beside JSON.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::Problem;
use crate::body::{Body, MAX_BODY_BYTES};
use crate::describe::{Input, Operation};
use crate::kind::shared;

/// A body that is a form (`application/x-www-form-urlencoded`) or JSON.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !media.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Body::from_request(request, state).await.map(|Body(body)| Self(body));
        }
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|_| Problem::of(shared::MALFORMED_BODY).detail("It could not be read."))?;
        if bytes.len() > MAX_BODY_BYTES {
            return Err(Problem::of(shared::BODY_TOO_LARGE).with("limit_bytes", MAX_BODY_BYTES));
        }
        serde_urlencoded::from_bytes(&bytes)
            .map(Self)
            .map_err(|error| Problem::of(shared::INVALID_BODY).detail(error.to_string()))
    }
}

impl<T: JsonSchema> Input for Form<T> {
    fn describe(operation: &mut Operation<'_>) {
        Body::<T>::describe(operation);
        operation.also_as_form();
    }
}
