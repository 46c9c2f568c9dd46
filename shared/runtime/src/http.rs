//! API Gateway HTTP API events (payload format 2.0) to requests, and responses back.

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body as LambdaBody;
use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{ALLOW, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use types::{Fault, Trace};
use web::{Access, BodyDigest, Problem, shared};

use crate::system::{Row, Run, System, Trigger};

/// The routes of the chosen rows; anything else is a problem too.
pub(crate) fn router<A: Clone + Send + Sync + 'static>(system: &System<A>, only: Option<&str>, app: A) -> Router {
    let mut router = Router::new();
    for row in system.rows().iter().filter(|row| only.is_none_or(|handler| handler == row.handler)) {
        let Trigger::Http { path, access, .. } = &row.trigger else { continue };
        router = match &row.run {
            Run::Http(route) => router.route(&in_axum(path), guarded(row, route, *access, &app)),
            Run::Document(document) => router.route(path, document.route(system)),
            Run::Unrouted | Run::Event(_) | Run::Socket(_) => router,
        };
    }
    let nothing = async || unrouted_problem(&[]);
    let router = router.method_not_allowed_fallback(nothing).fallback(nothing);
    // Lambda bounds the body; `web::Body` refuses what is too large with a problem.
    router.layer(DefaultBodyLimit::disable()).with_state(app)
}

/// The route behind its limit, and both behind its access: who may not call uses nothing up.
fn guarded<A: Clone + Send + Sync + 'static>(
    row: &Row<A>,
    route: &MethodRouter<A>,
    access: Access,
    app: &A,
) -> MethodRouter<A> {
    let route = match row.limit {
        None => route.clone(),
        Some((policy, limits)) => {
            let limits = limits(app);
            route.clone().layer(from_fn(move |request, next| web::limits::limit(limits.clone(), policy, request, next)))
        }
    };
    route.layer(from_fn(move |request, next| web::guard(access, request, next)))
}

/// API Gateway's greedy parameter `{rest+}` is axum's `{*rest}`.
fn in_axum(path: &str) -> String {
    match path.rsplit_once('{') {
        Some((before, last)) if last.ends_with("+}") => format!("{before}{{*{}}}", last.trim_end_matches("+}")),
        _ => path.to_owned(),
    }
}

/// The routes of a whole system, each answering 405 with the methods of its path: what no other route took arrives
/// here.
pub(crate) fn refusing<A: Clone + Send + Sync + 'static>(system: &System<A>) -> Router {
    let mut methods: Vec<(&'static str, Vec<String>)> = Vec::new();
    for row in system.rows() {
        let Trigger::Http { method, path, .. } = &row.trigger else { continue };
        let index = methods.iter().position(|(known, _)| known == path).unwrap_or_else(|| {
            methods.push((path, Vec::new()));
            methods.len() - 1
        });
        methods[index].1.push(method.to_string());
        if method == Method::GET {
            methods[index].1.push(Method::HEAD.to_string());
        }
    }
    let mut router = Router::new();
    for (path, methods) in methods {
        router = router.route(&in_axum(path), axum::routing::any(async move || unrouted_problem(&methods)));
    }
    // `$default` catches a browser's preflight too; the gateway adds the CORS headers to whatever success this is.
    let preflight = async |request: Request<Body>, next: axum::middleware::Next| match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    router.fallback(async || unrouted_problem(&[])).layer(axum::middleware::from_fn(preflight))
}

fn unrouted_problem(methods: &[String]) -> Response {
    if methods.is_empty() {
        return Problem::of(shared::NO_SUCH_ROUTE).into_response();
    }
    let mut response = Problem::of(shared::METHOD_NOT_ALLOWED).with("allow", methods).into_response();
    if let Ok(allow) = HeaderValue::try_from(methods.join(", ")) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// Reads the event. API Gateway wrote it, so a failure is ours.
pub(crate) fn request(event: &str) -> Result<Request<Body>, Fault> {
    let event: ApiGatewayV2httpRequest =
        serde_json::from_str(event).map_err(|e| Fault::permanent("reading the HTTP event").caused_by(e))?;
    let bytes = match (event.body, event.is_base64_encoded) {
        (None, _) => Vec::new(),
        (Some(text), false) => text.into_bytes(),
        (Some(text), true) => {
            STANDARD.decode(text).map_err(|e| Fault::permanent("reading the HTTP event's body").caused_by(e))?
        }
    };
    let mut target = encoded(event.raw_path.as_deref().filter(|path| path.starts_with('/')).unwrap_or("/"));
    if let Some(query) = event.raw_query_string.filter(|query| !query.is_empty()) {
        target = format!("{target}?{}", encoded(&query));
    }
    let uri: Uri = target.parse().map_err(|e| Fault::permanent("reading the HTTP event's path").caused_by(e))?;
    let digest = event.headers.contains_key("idempotency-key").then(|| digest(&bytes));
    let mut request = Request::new(Body::from(bytes));
    *request.method_mut() = event.request_context.http.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = event.headers;
    request.extensions_mut().insert(event.request_context);
    if let Some(digest) = digest {
        request.extensions_mut().insert(BodyDigest(digest));
    }
    Ok(request)
}

/// The caller's place in its trace. There is one `traceparent` or none that is valid; `tracestate` may be several.
pub(crate) fn trace(headers: &HeaderMap) -> Option<Trace> {
    let mut parents = headers.get_all("traceparent").iter();
    let parent = parents.next().filter(|_| parents.next().is_none())?.to_str().ok()?;
    let states: Vec<&str> = headers.get_all("tracestate").iter().filter_map(|state| state.to_str().ok()).collect();
    Trace::parse(parent, &states.join(","))
}

fn digest(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// API Gateway hands paths over decoded; what a URI cannot hold is encoded again.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%[]".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Runs a request through the routes.
pub(crate) async fn call(router: Router, request: Request<Body>) -> Response {
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Writes the response as API Gateway expects it.
pub(crate) async fn response(response: Response) -> Result<String, Fault> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(|e| Fault::permanent("reading the response").caused_by(e))?.to_bytes();
    let media = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = media.is_empty() || media.starts_with("text/") || media.contains("json") || media.contains("xml");
    let (body, encoded) = match String::from_utf8(bytes.into()) {
        Ok(plain) if text => (plain, false),
        Ok(plain) => (STANDARD.encode(plain), true),
        Err(binary) => (STANDARD.encode(binary.into_bytes()), true),
    };
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = i64::from(parts.status.as_u16());
    answer.is_base64_encoded = encoded;
    answer.body = Some(LambdaBody::Text(body));
    answer.headers = parts.headers;
    let cookies = answer.headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    answer.cookies = cookies.map(str::to_owned).collect();
    answer.headers.remove(SET_COOKIE);
    serde_json::to_string(&answer).map_err(|e| Fault::permanent("writing the HTTP answer").caused_by(e))
}

/// Writes the answer to a WebSocket event: a status, and what may be sent back.
pub(crate) async fn socket_response(response: Response) -> Result<String, Fault> {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await;
    let body = body.map_err(|e| Fault::permanent("reading the response").caused_by(e))?.to_bytes();
    let body = String::from_utf8_lossy(&body);
    Ok(serde_json::json!({"statusCode": status, "body": body}).to_string())
}
