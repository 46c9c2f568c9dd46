//! What belongs to one invocation and is needed everywhere below it: the deadline, the request id, the trace, and the
//! meter.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant as Tick;
use types::{Fault, Trace};

/// Time kept back from the function's timeout to answer and to write the log.
const MARGIN: Duration = Duration::from_millis(250);

/// One run of a handler.
#[derive(Debug)]
pub struct Invocation {
    request_id: String,
    deadline: Tick,
    in_flight: AtomicU32,
    trace: OnceLock<(Trace, Vec<String>)>,
    meter: Mutex<Meter>,
}

/// What an invocation did, for its metrics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meter {
    /// Requests to AWS, by `service.operation`; retries of one call are not calls.
    pub calls: BTreeMap<String, u32>,
    /// What those calls needed permission for: IAM's action, and the name of the table (`name/index/name` for an
    /// index), queue or bus. Each part of a transaction and each event counts.
    pub actions: BTreeMap<(&'static str, String), u32>,
    /// Attempts beyond each call's first.
    pub retries: u32,
    /// Calls that had to wait for each other: one begins where a call begins while none is under way. (A chain of calls
    /// that overlap pairwise counts once, however long.)
    pub round_trips: u32,
    /// Bytes of request bodies, retries included; headers are not counted.
    pub bytes_sent: u64,
    /// Bytes of response bodies.
    pub bytes_received: u64,
    /// Messages sent to queues and events sent to buses.
    pub messages: u32,
    /// Requests that SQS bills for them: one for each 64 KB of a call.
    pub sqs_requests: u32,
    /// Events that EventBridge bills for them: one for each 64 KB of an event.
    pub events: u32,
    /// DynamoDB read units, computed from the sizes of the items that came back.
    pub read_units: f64,
    /// DynamoDB write units of the base table, computed from the sizes of the items written (indexes are not counted).
    pub write_units: f64,
    /// Whatever a handler counts: `clicks_lost`, `cache_hits`.
    pub counts: BTreeMap<&'static str, f64>,
}

impl Meter {
    pub(crate) fn act(&mut self, action: &'static str, resource: &str) {
        *self.actions.entry((action, resource.to_owned())).or_default() += 1;
    }
}

/// A call under way; it ends when this is dropped, answered or not.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Invocation>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

tokio::task_local! {
    static CURRENT: Arc<Invocation>;
}

impl Invocation {
    /// An invocation that must answer within `remaining`.
    pub fn new(request_id: impl Into<String>, remaining: Duration) -> Arc<Self> {
        let deadline = Tick::now() + remaining.saturating_sub(MARGIN);
        Arc::new(Self {
            request_id: request_id.into(),
            deadline,
            in_flight: AtomicU32::new(0),
            trace: OnceLock::new(),
            meter: Mutex::default(),
        })
    }

    /// Runs `work` as (part of) this invocation.
    pub async fn scope<F: Future>(self: &Arc<Self>, work: F) -> F::Output {
        CURRENT.scope(Arc::clone(self), work).await
    }

    /// Lambda's id of the request.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// When the handler is given up.
    pub fn deadline(&self) -> Tick {
        self.deadline
    }

    /// A call begins, and with it a round trip if no other is under way.
    pub(crate) fn begin_call(self: &Arc<Self>) -> InFlight {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) == 0 {
            self.meter().round_trips += 1;
        }
        InFlight(Arc::clone(self))
    }

    /// This invocation's step of its trace, which it starts where nothing it got belongs to one.
    pub fn trace(&self) -> &Trace {
        &self.trace.get_or_init(|| (begun(Trace::start()), Vec::new())).0
    }

    /// The ids of the traces of a batch that has several; empty for all else.
    pub fn linked_traces(&self) -> &[String] {
        self.trace.get().map_or(&[], |(_, linked)| linked)
    }

    /// What was counted so far.
    pub fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries the invocation under way into a task of its own, so that what it does there counts and ends with it.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let current = CURRENT.try_with(Arc::clone).ok();
    async move {
        match current {
            Some(invocation) => invocation.scope(work).await,
            None => work.await,
        }
    }
}

/// Trace ids of a batch that its record names.
const MOST_LINKED: usize = 50;

/// Takes the invocation under way as the next step of the trace that `callers` belong to. Where they belong to several,
/// as the messages of a batch may, it is a trace of its own, linked to theirs.
pub fn continue_traces<'a>(callers: impl IntoIterator<Item = &'a Trace>) {
    let mut callers = callers.into_iter();
    let Some(first) = callers.next() else { return };
    let others: BTreeSet<String> = callers.map(Trace::trace_id).filter(|id| *id != first.trace_id()).collect();
    let _ = CURRENT.try_with(|invocation| {
        invocation.trace.get_or_init(|| match others.is_empty() {
            true => (begun(first.child()), Vec::new()),
            false => {
                let linked = std::iter::once(first.trace_id()).chain(others).take(MOST_LINKED).collect();
                (begun(Trace::start()), linked)
            }
        });
    });
}

/// The trace's ids in every log line from here on; the span declares the two fields empty.
fn begun(trace: Trace) -> Trace {
    tracing::Span::current().record("trace_id", trace.trace_id()).record("span_id", trace.span_id());
    trace
}

/// The trace of the invocation under way, for what it sends; none outside of one.
pub fn trace() -> Option<Trace> {
    CURRENT.try_with(|invocation| invocation.trace().clone()).ok()
}

/// The time that the invocation under way has left; outside of one, ten seconds.
pub fn remaining() -> Duration {
    let deadline = CURRENT.try_with(|invocation| invocation.deadline);
    deadline.map_or(Duration::from_secs(10), |deadline| deadline.saturating_duration_since(Tick::now()))
}

/// The request id of the invocation under way; `-` outside of one.
pub fn request_id() -> String {
    CURRENT.try_with(|invocation| invocation.request_id.clone()).unwrap_or_else(|_| "-".to_owned())
}

/// Adds to a count of the invocation under way; its metrics carry the sum. Outside of an invocation nothing is counted.
pub fn count(name: &'static str, amount: f64) {
    meter(|meter| *meter.counts.entry(name).or_default() += amount);
}

/// The invocation under way.
pub(crate) fn current() -> Option<Arc<Invocation>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Changes the meter of the invocation under way, if there is one.
pub fn meter(change: impl FnOnce(&mut Meter)) {
    let _ = CURRENT.try_with(|invocation| change(&mut invocation.meter()));
}

/// Runs `work` but no longer than the invocation has; outside of an invocation no longer than 10 s.
///
/// # Errors
/// A transient fault when time runs out: whether the call took effect is unknown, as after any timeout.
pub async fn within_deadline<T>(what: &str, work: impl Future<Output = T>) -> Result<T, Fault> {
    let deadline = CURRENT.try_with(|invocation| invocation.deadline);
    let deadline = deadline.unwrap_or_else(|_| Tick::now() + Duration::from_secs(10));
    tokio::time::timeout_at(deadline, work)
        .await
        .map_err(|_| Fault::transient(format!("{what}: the invocation's deadline passed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_at_the_deadline_and_counts_stay_with_their_invocation() {
        let invocation = Invocation::new("r-1", Duration::from_millis(260));
        let outcome = invocation
            .scope(async {
                count("seen", 1.0);
                count("seen", 2.0);
                assert_eq!(request_id(), "r-1");
                within_deadline("waiting", std::future::pending::<()>()).await
            })
            .await;
        assert!(outcome.is_err_and(|fault| fault.is_transient()));
        assert_eq!(remaining(), Duration::from_secs(10), "outside of an invocation");
        assert_eq!(invocation.meter().counts["seen"], 3.0);
        assert_eq!(request_id(), "-");
    }

    #[tokio::test]
    async fn an_invocation_is_a_step_of_its_callers_trace() {
        let (one, other) = (Trace::start(), Trace::start());
        for (callers, same, linked) in [
            (vec![], None, 0),
            (vec![&one], Some(&one), 0),
            (vec![&one, &one], Some(&one), 0),
            (vec![&one, &other, &one], None, 2),
        ] {
            let invocation = Invocation::new("r-1", Duration::from_secs(1));
            invocation.scope(async { continue_traces(callers) }).await;
            let trace = invocation.trace();
            let ids = [&one, &other].map(Trace::trace_id);
            assert_eq!(ids.contains(&trace.trace_id()), same.is_some());
            assert!(same.is_none_or(|same| trace.trace_id() == same.trace_id() && trace.span_id() != same.span_id()));
            assert_eq!(invocation.linked_traces().len(), linked);
        }
        assert_eq!(trace(), None, "outside of an invocation");
    }
}
