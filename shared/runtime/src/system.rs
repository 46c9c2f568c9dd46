//! The SYSTEM table: one row per Lambda.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use web::{Access, Describe, FromRef, Kind, Limits, Operation, RoutePolicy};
use work::Priority;

use crate::document::Document;
use crate::workers::{OnEvent, OnSocket};

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
    /// What limits a route, and where the App keeps its limits.
    pub(crate) limit: Option<(&'static RoutePolicy, LimitsOf<A>)>,
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

/// Where an App keeps its limits.
pub(crate) type LimitsOf<A> = fn(&A) -> Limits;

#[derive(Clone)]
pub(crate) enum Run<A> {
    Http(Box<MethodRouter<A>>),
    Document(Document),
    Unrouted,
    Event(OnEvent<A>),
    Socket(OnSocket<A>),
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
    /// The queues `{stage}-{system}-{name}-{priority}`, each by a mapping of its own.
    PriorityQueue(&'static str, &'static [Priority]),
    /// Objects of the bucket `{stage}-{system}-{name}-{account}`.
    Bucket(&'static str),
    /// A route of the system's WebSocket API.
    Socket {
        /// `$connect`, `$disconnect`, `$default`, or a value of the route selection expression.
        route: &'static str,
        /// Who may call. The authorizer runs on `$connect`; its answer comes with every message of the connection.
        access: Access,
    },
    /// The stream of the system's table.
    Stream,
    /// Log groups, by subscriptions.
    Logs,
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

    pub(crate) fn row(self, handler: &'static str, trigger: Trigger, run: Run<A>) -> Self {
        self.described(handler, trigger, None, run)
    }

    fn described(mut self, handler: &'static str, trigger: Trigger, about: Option<About>, run: Run<A>) -> Self {
        assert!(self.rows.iter().all(|row| row.handler != handler), "two rows are called {handler}");
        self.rows.push(Row { handler, trigger, about, limit: None, run });
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
        let about = About { head, describe: H::describe };
        let run = Run::Http(Box::new(on(filter, run)));
        self.described(handler, Trigger::Http { method, path, access }, Some(about), run)
    }

    /// Limits the route before it by this policy: what is too much is answered 429, and every answer says what is left.
    ///
    /// # Panics
    /// Behind a row that is no route.
    #[must_use]
    #[allow(clippy::expect_used)] // a constant table: it fails at the first start or never
    pub fn limited(mut self, policy: &'static RoutePolicy) -> Self
    where
        Limits: FromRef<A>,
    {
        let row = self.rows.last_mut().filter(|row| matches!(row.run, Run::Http(_)));
        row.expect("a route stands before .limited(…)").limit = Some((policy, Limits::from_ref));
        self
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
}
