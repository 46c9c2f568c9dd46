//! One Lambda of a system, ready to be invoked: by the Lambda loop, or by a test.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use aws::Invocation;
use axum::Router;
use axum::response::IntoResponse as _;
use tokio::time::Instant as Tick;
use types::Fault;
use web::{Problem, Refused, SocketEvent};

use crate::http;
use crate::observe::Record;
use crate::system::{Run, System};
use crate::workers::{OnEvent, OnSocket};

/// One Lambda.
pub struct Function<A> {
    system: &'static str,
    handler: &'static str,
    app: A,
    kind: Kind<A>,
}

enum Kind<A> {
    Http(Router),
    Event(OnEvent<A>),
    Socket(OnSocket<A>),
}

/// What an invocation gave: the answer for Lambda, and the record for the log.
#[derive(Debug)]
pub struct Outcome {
    /// The answer, as JSON, or the fault that makes Lambda try again.
    pub answer: Result<String, Fault>,
    /// What happened.
    pub record: Record,
}

impl<A: Clone + Send + Sync + 'static> Function<A> {
    /// The function called `handler`, or where there is none the system's whole HTTP table.
    pub fn new(system: &System<A>, handler: &str, app: A) -> Self {
        let row = system.rows().iter().find(|row| row.handler == handler);
        let kind = match row.map(|row| &row.run) {
            Some(Run::Event(run)) => Kind::Event(Arc::clone(run)),
            Some(Run::Socket(run)) => Kind::Socket(Arc::clone(run)),
            Some(Run::Http(_) | Run::Document(_)) => Kind::Http(http::router(system, Some(handler), app.clone())),
            Some(Run::Unrouted) => Kind::Http(http::refusing(system)),
            None => Kind::Http(http::router(system, None, app.clone())),
        };
        Self { system: system.name(), handler: row.map_or("all_routes", |row| row.handler), app, kind }
    }

    /// The row's handler.
    pub fn handler(&self) -> &'static str {
        self.handler
    }

    /// Runs it once. It answers before `remaining` is over, whatever the handler does: a handler that hangs or panics
    /// is a fault like any other.
    pub async fn invoke(&self, event: &str, request_id: &str, remaining: Duration) -> Outcome {
        let invocation = Invocation::new(request_id, remaining);
        let started = Tick::now();
        let (answer, status, refused) = invocation
            .scope(async {
                match &self.kind {
                    Kind::Http(router) => self.answer_http(router.clone(), event, &invocation).await,
                    Kind::Event(run) => {
                        let run = run(self.app.clone(), event.to_owned());
                        (contain(&invocation, run).await.and_then(|answer| answer), None, None)
                    }
                    Kind::Socket(run) => self.answer_socket(run, event, &invocation).await,
                }
            })
            .await;
        let fault = match &answer {
            Err(fault) => Some(fault.chain()),
            Ok(_) => refused.as_ref().and_then(|refused| refused.fault.clone()),
        };
        let record = Record {
            system: self.system,
            handler: self.handler,
            request_id: request_id.to_owned(),
            latency: started.elapsed(),
            status,
            refusal: refused.filter(|_| fault.is_none()).map(|refused| refused.kind),
            fault,
            trace: invocation.trace().clone(),
            linked_traces: invocation.linked_traces().to_vec(),
            meter: std::mem::take(&mut *invocation.meter()),
        };
        Outcome { answer, record }
    }

    async fn answer_http(
        &self,
        router: Router,
        event: &str,
        invocation: &Invocation,
    ) -> (Result<String, Fault>, Option<u16>, Option<Refused>) {
        let response = match http::request(event) {
            Ok(request) => {
                aws::invocation::continue_traces(&http::trace(request.headers()));
                contain(invocation, http::call(router, request)).await
            }
            Err(fault) => Err(fault),
        };
        let mut response = response.unwrap_or_else(|fault| Problem::from(fault).into_response());
        web::secure(&mut response);
        let refused = response.extensions().get::<Refused>().cloned();
        let status = Some(response.status().as_u16());
        (http::response(response).await, status, refused)
    }

    async fn answer_socket(
        &self,
        run: &OnSocket<A>,
        event: &str,
        invocation: &Invocation,
    ) -> (Result<String, Fault>, Option<u16>, Option<Refused>) {
        let event = serde_json::from_str::<SocketEvent>(event);
        let answer = match event.map_err(|e| Fault::permanent("reading the WebSocket event").caused_by(e)) {
            Ok(event) => {
                aws::invocation::continue_traces(&event.trace());
                contain(invocation, run(self.app.clone(), event)).await.unwrap_or_else(|fault| Err(fault.into()))
            }
            Err(fault) => Err(fault.into()),
        };
        let response = answer.map_or_else(Problem::into_response, |text| text.unwrap_or_default().into_response());
        let refused = response.extensions().get::<Refused>().cloned();
        let status = Some(response.status().as_u16());
        (http::socket_response(response).await, status, refused)
    }
}

/// Runs a handler inside the deadline and turns a panic into a fault; the sandbox lives on.
async fn contain<T>(invocation: &Invocation, work: impl Future<Output = T>) -> Result<T, Fault> {
    let mut work = pin!(work);
    let contained =
        std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
                Poll::Ready(Err(Fault::permanent(format!("the handler panicked: {text}"))))
            }
        });
    tokio::time::timeout_at(invocation.deadline(), contained)
        .await
        .unwrap_or_else(|_| Err(Fault::transient("the handler did not answer before its deadline")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Method;
    use web::{Access, Json};

    use crate::Endpoint;

    fn of<H>(run: H) -> Endpoint<H> {
        Endpoint { head: b"//! GET /cats: look at cats.", run }
    }

    fn system() -> System<()> {
        System::named("zoo")
            .http("get_cat", Method::GET, "/cats/{name}", Access::Public, of(async || Json("meow")))
            .http("feed_cat", Method::POST, "/cats/{name}", Access::Scope("cats:write"), of(async || Json("purr")))
            .http(
                "scare_cat",
                Method::DELETE,
                "/cats/{name}",
                Access::Public,
                of(async || -> Json<&'static str> { panic!("hiss at 10.0.0.1") }),
            )
            .http(
                "wait_cat",
                Method::GET,
                "/wait",
                Access::Public,
                of(async || {
                    std::future::pending::<()>().await;
                    Json("never")
                }),
            )
            .openapi("get_openapi")
            .unrouted("reject_request")
            .invoke("count_cats", async |(), names: Vec<String>| Ok(names.len()))
    }

    fn event(method: &str, path: &str, scopes: Option<&str>) -> String {
        let mut context = serde_json::json!({"http": {"method": method, "path": path}, "stage": "$default"});
        if let Some(scopes) = scopes {
            context["authorizer"] = serde_json::json!({"lambda": {"caller": "alice", "scopes": scopes}});
        }
        serde_json::json!({"version": "2.0", "rawPath": path, "headers": {}, "requestContext": context}).to_string()
    }

    async fn call(handler: &str, event: &str) -> (serde_json::Value, Record) {
        let function = Function::new(&system(), handler, ());
        let outcome = function.invoke(event, "id-1", Duration::from_millis(300)).await;
        (serde_json::from_str(&outcome.answer.unwrap_or_default()).unwrap_or_default(), outcome.record)
    }

    #[tokio::test]
    async fn a_row_serves_its_route_and_no_other() {
        assert_eq!(call("get_cat", &event("GET", "/cats/tom", None)).await.0["body"], "\"meow\"");
        assert_eq!(call("get_cat", &event("HEAD", "/cats/tom", None)).await.0["statusCode"], 200);
        assert_eq!(call("get_cat", &event("POST", "/cats/tom", None)).await.0["statusCode"], 404);
        assert_eq!(call("count_cats", "[\"a\", \"b\"]").await.0, 2);
    }

    #[tokio::test]
    async fn without_a_known_handler_the_whole_table_answers() {
        assert_eq!(call("bootstrap", &event("GET", "/cats/tom", None)).await.0["body"], "\"meow\"");
        assert_eq!(call("bootstrap", &event("POST", "/cats/tom", Some("cats:write"))).await.0["body"], "\"purr\"");
    }

    #[tokio::test]
    async fn access_is_checked_before_the_handler() {
        let (nobody, record) = call("feed_cat", &event("POST", "/cats/tom", None)).await;
        assert_eq!((&nobody["statusCode"], record.refusal), (&401.into(), Some("unauthenticated")));
        assert_eq!(call("feed_cat", &event("POST", "/cats/tom", Some("cats:read"))).await.0["statusCode"], 403);
        assert_eq!(call("feed_cat", &event("POST", "/cats/tom", Some("x cats:write"))).await.0["statusCode"], 200);
    }

    #[tokio::test]
    async fn a_panic_and_a_hang_are_opaque_problems_with_the_request_id() {
        let (answer, record) = call("scare_cat", &event("DELETE", "/cats/tom", None)).await;
        assert_eq!(answer["statusCode"], 500);
        let body = answer["body"].as_str().unwrap_or_default();
        assert!(body.contains("urn:uuid:id-1") && !body.contains("hiss"), "{body}");
        assert!(record.fault.is_some_and(|fault| fault.contains("hiss at 10.0.0.1")));
        assert_eq!(call("wait_cat", &event("GET", "/wait", None)).await.0["statusCode"], 503);
    }

    #[tokio::test]
    async fn what_no_route_takes_is_a_problem_that_names_the_methods() {
        let (answer, _) = call("reject_request", &event("PUT", "/cats/tom", None)).await;
        assert_eq!(
            (&answer["statusCode"], &answer["headers"]["allow"]),
            (&405.into(), &"GET, HEAD, POST, DELETE".into())
        );
        assert_eq!(call("reject_request", &event("GET", "/dogs/rex", None)).await.0["statusCode"], 404);
        for path in ["/cats/tom", "/dogs/rex"] {
            let preflight = call("reject_request", &event("OPTIONS", path, None)).await.0;
            assert_eq!(preflight["statusCode"], 204, "a browser takes any success for a preflight's answer");
        }
        assert_eq!(call("bootstrap", &event("GET", "/dogs/räx \u{1F415}", None)).await.0["statusCode"], 404);
    }
}
