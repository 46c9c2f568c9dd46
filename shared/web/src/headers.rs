//! Headers in and out.

use aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use axum::extract::FromRequestParts;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::convert::Infallible;

/// 201 with `Location` and a JSON body.
#[derive(Debug)]
pub struct Created<T> {
    location: String,
    body: T,
}

impl<T> Created<T> {
    /// The new thing is at `location`.
    pub fn at(location: impl Into<String>, body: T) -> Self {
        Self { location: location.into(), body }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, axum::Json(self.body)).into_response();
        if let Ok(location) = HeaderValue::try_from(self.location) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

/// What a client says of itself and API Gateway of the client.
#[derive(Debug, Clone)]
pub struct RequestMeta {
    /// The client's address as API Gateway saw it; personal data, never stored.
    pub source_ip: String,
    /// The host the client asked for.
    pub host: String,
    /// All headers.
    pub headers: HeaderMap,
}

impl RequestMeta {
    /// A header's text; empty when absent or not text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl<S: Sync> FromRequestParts<S> for RequestMeta {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let headers = parts.headers.clone();
        let (source_ip, host) = match parts.extensions.get::<ApiGatewayV2httpRequestContext>() {
            Some(context) => (context.http.source_ip.clone().unwrap_or_default(), context.domain_name.clone()),
            None => (String::new(), None),
        };
        let host = host
            .unwrap_or_else(|| headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned());
        Ok(Self { source_ip, host, headers })
    }
}

/// Adds what every answer carries: the request id, and headers that keep browsers from guessing, framing and caching.
pub fn secure(response: &mut Response) {
    const ALWAYS: [(HeaderName, &str); 4] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if headers.get(CONTENT_TYPE).is_some_and(|media| media == "application/json") {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    }
    if let Ok(id) = HeaderValue::try_from(aws::invocation::request_id()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}
