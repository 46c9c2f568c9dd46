//! The rows that are no HTTP routes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::Fault;
use web::{Access, Problem, SocketEvent};
use work::{Batch, BatchOutcome, Change, Changes, LogEvent, LogEvents, ObjectEvent, ObjectEvents, Priority};

use crate::system::{Run, System, Trigger};

type Answering<T> = Pin<Box<dyn Future<Output = T> + Send>>;
pub(crate) type OnEvent<A> = Arc<dyn Fn(A, String) -> Answering<Result<String, Fault>> + Send + Sync>;
pub(crate) type OnSocket<A> = Arc<dyn Fn(A, SocketEvent) -> Answering<Result<Option<String>, Problem>> + Send + Sync>;

impl<A: Clone + Send + Sync + 'static> System<A> {
    /// A worker of a queue, a batch at a time.
    #[must_use]
    pub fn queue<T, F, Fut>(self, handler: &'static str, queue: &'static str, run: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(A, Batch<T>) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<BatchOutcome, Fault>> + Send + 'static,
    {
        self.row(handler, Trigger::Queue(queue), on_batch(run))
    }

    /// A worker of a queue that has priorities: one function, one queue and one mapping for each of them, so that
    /// messages wait only behind their like. [`Batch::priority`] says which a batch came from.
    #[must_use]
    pub fn priority_queue<T, F, Fut>(
        self,
        handler: &'static str,
        queue: &'static str,
        priorities: &'static [Priority],
        run: F,
    ) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(A, Batch<T>) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<BatchOutcome, Fault>> + Send + 'static,
    {
        self.row(handler, Trigger::PriorityQueue(queue, priorities), on_batch(run))
    }

    /// A worker of a bucket: what was put or removed there, at least once and in any order. S3 invokes asynchronously,
    /// so after a fault Lambda tries twice more and then sends the event to the function's failure destination.
    #[must_use]
    pub fn bucket<F, Fut>(self, handler: &'static str, bucket: &'static str, run: F) -> Self
    where
        F: Fn(A, Vec<ObjectEvent>) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let run = on_event(move |app, events: ObjectEvents| async move { run(app, events.into_vec()?).await });
        self.row(handler, Trigger::Bucket(bucket), run)
    }

    /// A route of the WebSocket API. What the handler returns is sent back on the connection where the template gives
    /// the route a response (`RouteResponseSelectionExpression`); a problem on `$connect` refuses the connection.
    ///
    /// # Panics
    /// For a `$disconnect` that is not public: nobody can be refused to leave.
    #[must_use]
    pub fn socket<F, Fut>(self, handler: &'static str, route: &'static str, access: Access, run: F) -> Self
    where
        F: Fn(A, SocketEvent) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<Option<String>, Problem>> + Send + 'static,
    {
        assert!(route != "$disconnect" || access == Access::Public, "{handler}: $disconnect is Access::Public");
        let run: OnSocket<A> = Arc::new(move |app, event| {
            let allowed = event.guard(access);
            Box::pin(async move {
                allowed?;
                run(app, event).await
            })
        });
        self.row(handler, Trigger::Socket { route, access }, Run::Socket(run))
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

    /// A worker of log groups: what was logged there, at least once and in any order. CloudWatch Logs invokes
    /// asynchronously, so after a fault Lambda tries twice more and then sends the event to the function's failure
    /// destination.
    #[must_use]
    pub fn logs<F, Fut>(self, handler: &'static str, run: F) -> Self
    where
        F: Fn(A, Vec<LogEvent>) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let run = on_event(move |app, events: LogEvents| async move { run(app, events.into_vec()?).await });
        self.row(handler, Trigger::Logs, run)
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

fn on_batch<A, T, F, Fut>(run: F) -> Run<A>
where
    A: Send + 'static,
    T: DeserializeOwned + Send + 'static,
    F: Fn(A, Batch<T>) -> Fut + Send + Sync + Copy + 'static,
    Fut: Future<Output = Result<BatchOutcome, Fault>> + Send + 'static,
{
    on_event(move |app, event: SqsEvent| async move {
        let batch = Batch::parse(event);
        aws::invocation::continue_traces(batch.messages.iter().filter_map(|message| message.trace.as_ref()));
        let outcome = run(app, batch).await?;
        aws::count("messages_failed", outcome.failures() as f64);
        Ok(outcome.response())
    })
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
