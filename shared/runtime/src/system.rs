//! The SYSTEM table: one row per Lambda.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::Fault;
use web::{Access, Describe, Kind, Operation};
use work::{Batch, BatchOutcome, Change, Changes};

use crate::document::Document;

pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<String, Fault>> + Send>>;
pub(crate) type OnEvent<A> = Arc<dyn Fn(A, String) -> Answering + Send + Sync>;

/// A system: its name and its Lambdas.
#[derive(Clone)]
pub struct System<A> {
    name: &'static str,
    problems: &'static [Kind],
    rows: Vec<Row<A>>,
}

/// One Lambda.
#[derive(Clone)]
pub struct Row<A> {
    /// The template's `Handler`, and the stem of the handler's file.
    pub handler: &'static str,
    /// What invokes it.
    pub trigger: Trigger,
    /// What a route's document says of it, beside the trigger.
    pub(crate) about: Option<About>,
    pub(crate) run: Run<A>,
}

/// What is told of a route, made when the document is asked for.
#[derive(Clone, Copy)]
pub(crate) struct About {
    /// The first lines of the handler's file.
    pub(crate) head: &'static [u8],
    pub(crate) describe: fn(&mut Operation<'_>),
}

/// A handler and the first lines of its file; [`endpoint!`](crate::endpoint) makes one.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint<H> {
    /// The lines `//! …` that the file begins with.
    pub head: &'static [u8],
    /// The handler.
    pub run: H,
}

#[derive(Clone)]
pub(crate) enum Run<A> {
    Http(Box<MethodRouter<A>>),
    Document(Document),
    Unrouted,
    Event(OnEvent<A>),
}

/// What invokes a Lambda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A route of the system's HTTP API. A GET route answers HEAD too.
    Http {
        /// Method.
        method: Method,
        /// Path as API Gateway writes it: `/links/{code}`.
        path: &'static str,
        /// Who may call.
        access: Access,
    },
    /// Every route of the HTTP API that is no other's.
    Unrouted,
    /// The queue `{stage}-{system}-{name}`.
    Queue(&'static str),
    /// The stream of the system's table.
    Stream,
    /// A schedule.
    Schedule,
    /// A direct invocation: an operator, or API Gateway asking an authorizer.
    Invoke,
}

impl<A: Clone + Send + Sync + 'static> System<A> {
    /// A system without Lambdas yet.
    pub fn named(name: &'static str) -> Self {
        Self { name, problems: &[], rows: Vec::new() }
    }

    /// The problems of its own, for its document: `problems::ALL` of what `web::problems!` declared.
    #[must_use]
    pub fn problems(mut self, problems: &'static [Kind]) -> Self {
        self.problems = problems;
        self
    }

    /// The problems of its own and those of every system.
    pub(crate) fn all_problems(&self) -> impl Iterator<Item = &'static Kind> {
        self.problems.iter().chain(web::shared::ALL)
    }

    /// The system's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its Lambdas, in the order of the table.
    pub fn rows(&self) -> &[Row<A>] {
        &self.rows
    }

    fn row(self, handler: &'static str, trigger: Trigger, run: Run<A>) -> Self {
        self.described(handler, trigger, None, run)
    }

    fn described(mut self, handler: &'static str, trigger: Trigger, about: Option<About>, run: Run<A>) -> Self {
        assert!(self.rows.iter().all(|row| row.handler != handler), "two rows are called {handler}");
        self.rows.push(Row { handler, trigger, about, run });
        self
    }

    /// A route. The access is part of the row, so none can be forgotten; neither can its description, which is made of
    /// the handler's types and of the first lines of its file.
    ///
    /// # Panics
    /// For a method that HTTP APIs do not route.
    #[must_use]
    #[allow(clippy::expect_used)] // a constant table: it fails at the first start or never
    pub fn http<H, T>(
        self,
        handler: &'static str,
        method: Method,
        path: &'static str,
        access: Access,
        endpoint: Endpoint<H>,
    ) -> Self
    where
        H: Handler<T, A> + Describe<T>,
        T: 'static,
    {
        let Endpoint { head, run } = endpoint;
        let filter = MethodFilter::try_from(method.clone()).expect("a method that can be routed");
        let route =
            on(filter, run).layer(axum::middleware::from_fn(move |request, next| web::guard(access, request, next)));
        let about = About { head, describe: H::describe };
        self.described(handler, Trigger::Http { method, path, access }, Some(about), Run::Http(Box::new(route)))
    }

    /// `GET /openapi.json`: the description of all routes in OpenAPI 3.1.
    #[must_use]
    pub fn openapi(self, handler: &'static str) -> Self {
        self.document(handler, Document::Json)
    }

    /// `GET /docs`: the same as a page to read.
    #[must_use]
    pub fn docs(self, handler: &'static str) -> Self {
        self.document(handler, Document::Html)
    }

    fn document(self, handler: &'static str, document: Document) -> Self {
        let trigger = Trigger::Http { method: Method::GET, path: document.path(), access: Access::Public };
        self.described(handler, trigger, Some(document.about()), Run::Document(document))
    }

    /// The answer to every request that no route takes: 404, or 405 naming the methods that the path has.
    #[must_use]
    pub fn unrouted(self, handler: &'static str) -> Self {
        self.row(handler, Trigger::Unrouted, Run::Unrouted)
    }

    /// A worker of a queue, a batch at a time.
    #[must_use]
    pub fn queue<T, F, Fut>(self, handler: &'static str, queue: &'static str, run: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(A, Batch<T>) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<BatchOutcome, Fault>> + Send + 'static,
    {
        let run = on_event(move |app, event: SqsEvent| async move {
            let outcome = run(app, Batch::parse(event)).await?;
            aws::count("messages_failed", outcome.failures() as f64);
            Ok(outcome.response())
        });
        self.row(handler, Trigger::Queue(queue), run)
    }

    /// A worker of the table's stream. A fault brings the whole batch again, in halves (`BisectBatchOnFunctionError`)
    /// until the change that cannot be handled stands alone and is set aside.
    #[must_use]
    pub fn stream<F, Fut>(self, handler: &'static str, run: F) -> Self
    where
        F: Fn(A, Vec<Change>) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let run = on_event(move |app, changes: Changes| run(app, changes.into_vec()));
        self.row(handler, Trigger::Stream, run)
    }

    /// A worker of a schedule; the event says nothing that it needs.
    #[must_use]
    pub fn schedule<F, Fut>(self, handler: &'static str, run: F) -> Self
    where
        F: Fn(A) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let run = on_event(move |app, _: serde_json::Value| run(app));
        self.row(handler, Trigger::Schedule, run)
    }

    /// A function invoked directly, JSON in and JSON out.
    #[must_use]
    pub fn invoke<T, U, F, Fut>(self, handler: &'static str, run: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        U: Serialize + 'static,
        F: Fn(A, T) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<U, Fault>> + Send + 'static,
    {
        self.row(handler, Trigger::Invoke, on_event(run))
    }
}

/// Erases the types of a handler: the Lambda loop is compiled once, not once per handler.
fn on_event<A, T, U, F, Fut>(run: F) -> Run<A>
where
    A: Send + 'static,
    T: DeserializeOwned + Send + 'static,
    U: Serialize + 'static,
    F: Fn(A, T) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future<Output = Result<U, Fault>> + Send + 'static,
{
    Run::Event(Arc::new(move |app, event| {
        Box::pin(async move {
            let event = serde_json::from_str(&event).map_err(|e| Fault::permanent("reading the event").caused_by(e))?;
            let answer = run(app, event).await?;
            serde_json::to_string(&answer).map_err(|e| Fault::permanent("writing the answer").caused_by(e))
        })
    }))
}
