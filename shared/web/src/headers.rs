//! Headers in and out.

use aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LINK, LOCATION, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::convert::Infallible;

use crate::describe::{Input, Operation, Output};

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

impl<T: Serialize + JsonSchema> Output for Created<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.json::<T>(201, "It is made, and is at `Location`.")["headers"] = location();
    }
}

/// Tells where a page that is no JSON goes on: the next one's query, as `Link: <?…>; rel="next"`.
pub fn with_next(mut response: Response, query: Option<String>) -> Response {
    let link = query.and_then(|query| HeaderValue::try_from(format!("<?{query}>; rel=\"next\"")).ok());
    response.headers_mut().extend(link.map(|link| (LINK, link)));
    response
}

fn location() -> Value {
    json!({"Location": {"required": true, "schema": {"type": "string", "format": "uri-reference"}}})
}

impl<T: Serialize + JsonSchema> Output for axum::Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.json::<T>(200, "The answer.");
    }
}

/// 200 of a health check.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// Anything else is a problem.
    #[schemars(extend("const" = "ok"))]
    status: &'static str,
}

impl Health {
    /// All is well.
    pub fn ok() -> Self {
        Self { status: "ok" }
    }
}

impl IntoResponse for Health {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

impl Output for Health {
    fn describe(operation: &mut Operation<'_>) {
        operation.json::<Self>(200, "All is well.");
    }
}

/// 204.
#[derive(Debug)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Output for NoContent {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer(204, "It is done.");
    }
}

/// 3xx with `Location`.
#[derive(Debug)]
pub struct Redirect {
    status: StatusCode,
    location: String,
}

impl Redirect {
    /// 302.
    pub fn found(location: impl Into<String>) -> Self {
        Self { status: StatusCode::FOUND, location: location.into() }
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        (self.status, [(LOCATION, self.location)]).into_response()
    }
}

impl Output for Redirect {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer("3XX", "It is elsewhere, at `Location`.")["headers"] = location();
    }
}

/// Headers beside an answer.
impl<K, V, const N: usize, T: Output> Output for ([(K, V); N], T) {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}

/// Needs nothing of the client's.
impl<S> Input for State<S> {
    fn describe(_: &mut Operation<'_>) {}
}

/// The route's.
impl Input for Method {
    fn describe(_: &mut Operation<'_>) {}
}

/// What a client says of itself and API Gateway of the client.
#[derive(Debug, Clone)]
pub struct RequestMeta {
    /// The client's address as API Gateway saw it; personal data, never stored.
    pub source_ip: String,
    /// The host the client asked for.
    pub host: String,
    /// The query string as it was sent, without its `?`.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
}

impl RequestMeta {
    /// Whether the client would rather see a page than JSON.
    pub fn wants_page(&self) -> bool {
        self.header("accept").split(',').any(|media| media.trim().starts_with("text/html"))
    }

    /// A header's text; empty when absent or not text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// What every request has.
impl Input for RequestMeta {
    fn describe(_: &mut Operation<'_>) {}
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
        Ok(Self { source_ip, host, query: parts.uri.query().unwrap_or_default().to_owned(), headers })
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
