//! A system's OpenAPI document, made of its table of routes and of what the handlers' types say.

mod links;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{Method, Response};
use axum::routing::{MethodRouter, get};
use serde_json::{Map, Value, json};
use types::Fault;
use web::describe::{Schemas, refusals};
use web::{Access, IntoResponse as _, Operation, Problem, shared};

use crate::head::summary;
use crate::page;
use crate::system::{About, System, Trigger};

/// How a document is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Document {
    Json,
    Html,
}

impl Document {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Json => "/openapi.json",
            Self::Html => "/docs",
        }
    }

    pub(crate) fn about(self) -> About {
        match self {
            Self::Json => About {
                head: b"//! GET /openapi.json: describe this API in OpenAPI 3.1.",
                describe: |operation| {
                    let answer = operation.answer(200, "The document.");
                    answer["content"]["application/json"]["schema"] = json!({"type": "object"});
                },
            },
            Self::Html => About {
                head: b"//! GET /docs: describe this API on a page to read.",
                describe: |operation| {
                    operation.content(200, "The page.", &["text/html"]);
                },
            },
        }
    }

    /// The route that answers it. The document is made when it is asked for, and never at start.
    pub(crate) fn route<A: Clone + Send + Sync + 'static>(self, system: &System<A>) -> MethodRouter<A> {
        let system = system.clone();
        get(async move || match openapi(&system) {
            Ok(document) => self.answer(&document),
            Err(fault) => Problem::from(fault).into_response(),
        })
    }

    fn answer(self, document: &Value) -> Response<Body> {
        let (media, body, policy) = match self {
            Self::Json => ("application/json", document.to_string(), None),
            Self::Html => {
                let page::Page { html, policy } = page::render(document);
                ("text/html; charset=utf-8", html, policy.map(|policy| (CONTENT_SECURITY_POLICY, policy)))
            }
        };
        let headers = [(CONTENT_TYPE, media), (CACHE_CONTROL, "public, max-age=3600")];
        let mut response = (headers, body).into_response();
        response.headers_mut().extend(policy);
        response
    }
}

/// The system's document in OpenAPI 3.1.
///
/// # Errors
/// When two of its types have one name; a test of all systems looks for that.
pub fn openapi<A: Clone + Send + Sync + 'static>(system: &System<A>) -> Result<Value, Fault> {
    let (mut schemas, mut paths) = (Schemas::default(), Map::new());
    for row in system.rows() {
        let (Trigger::Http { method, path, access }, Some(about)) = (&row.trigger, row.about) else { continue };
        let mut operation = Operation::new(row.handler, path, &mut schemas);
        if access.scope().is_some() {
            operation.refusal(shared::UNAUTHENTICATED);
            operation.refusal(shared::INSUFFICIENT_SCOPE);
        }
        if row.limit.is_some() {
            operation.refusal(shared::RATE_LIMITED);
        }
        (about.describe)(&mut operation);
        let mut operation = operation.into_value();
        let (summary, description) = summary(about.head);
        operation["summary"] = summary.into();
        if !description.is_empty() {
            operation["description"] = description.into();
        }
        operation["tags"] = json!([system.name()]);
        operation["security"] = security(*access);
        let methods = paths.entry(*path).or_insert_with(|| json!({}));
        if method == Method::GET {
            methods["head"] = head_of(&operation);
        }
        methods[method.as_str().to_ascii_lowercase()] = operation;
    }
    let clash = |name| Fault::permanent(format!("two types are called {name}"));
    let mut components = schemas.into_components().map_err(clash)?;
    components.insert("Problem".to_owned(), problem_schema());
    links::add(&mut paths, &components);
    Ok(json!({
        "openapi": "3.1.0",
        "info": {"title": system.name(), "version": env!("CARGO_PKG_VERSION"), "description": DESCRIPTION},
        "servers": [{"url": "."}],
        "tags": [{"name": system.name()}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {"Problem": refusals("Any other refusal.", system.all_problems())},
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a token."},
            },
        },
    }))
}

const DESCRIPTION: &str = "Every answer of 400 and above is a problem of RFC 9457, `application/problem+json`; its \
    `type` is what to switch on. Every answer carries `X-Request-Id`.";

fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::Scope(scope) => json!([{"key": [scope]}, {"bearer": [scope]}]),
    }
}

/// HEAD is answered as GET is, without the body.
fn head_of(get: &Value) -> Value {
    let mut head = get.clone();
    head["operationId"] = format!("{}_head", get["operationId"].as_str().unwrap_or_default()).into();
    for (_, answer) in head["responses"].as_object_mut().into_iter().flatten() {
        let description = answer["description"].as_str().unwrap_or("Any other refusal.").to_owned();
        let headers = answer.get("headers").cloned();
        *answer = json!({"description": description});
        answer.as_object_mut().into_iter().for_each(|answer| {
            answer.extend(headers.clone().map(|headers| ("headers".to_owned(), headers)));
        });
    }
    head
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "A problem (RFC 9457). Some types have members of their own.",
        "required": ["type", "title", "status", "instance"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "What went wrong; stable."},
            "title": {"type": "string", "description": "The same in words."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "This occurrence in words."},
            "instance": {"type": "string", "format": "uri", "description": "The request's id, as in `X-Request-Id`."},
        },
    })
}
