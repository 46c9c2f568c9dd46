//! Stands between the Lambdas of a world and the emulator, as their `AWS_ENDPOINT_URL`, and injects faults. The code
//! under test is the shipped code; it meets failures where it would meet AWS's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::faults::{Batch, Fault, Faults, Injected, conflict, throttling};
use crate::world::World;

/// The client that meets no faults.
pub(crate) const UNDISTURBED: &str = "undisturbed";

type Answer = Response<Full<Bytes>>;

/// A proxy; it ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Shared {
    upstream: String,
    key: String,
    client: Client<HttpConnector, Full<Bytes>>,
    faults: Faults,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    clients: BTreeMap<String, (u64, Arc<Notify>)>,
    injected: Injected,
    published: Vec<Value>,
    sent: Vec<Sent>,
}

/// A call to a provider that took effect: SES or SNS.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Which: `SES.SendEmail`, `SNS.Publish`.
    pub target: String,
    /// Its body: JSON of SES, a form of SNS.
    pub body: String,
}

impl Proxy {
    /// A proxy on a free port before `upstream` (`http://127.0.0.1:4566`); it runs on the caller's tokio.
    /// What it forwards bears `key`, an access key that the emulator knows (it does not verify signatures).
    pub(crate) async fn start(upstream: &str, key: &str, faults: Faults) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let upstream = upstream.trim_end_matches('/').to_owned();
        let key = key.to_owned();
        let shared = Arc::new(Shared { upstream, key, client, faults, state: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// What ends when the process of `client` (its access key) is killed.
    pub(crate) fn death_of(&self, client: &str) -> Arc<Notify> {
        Arc::clone(&self.shared.state().clients.entry(client.to_owned()).or_default().1)
    }

    /// Calls to providers that took effect.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.shared.state().sent.clone()
    }

    /// The faults so far.
    pub(crate) fn injected(&self) -> Injected {
        self.shared.state().injected.clone()
    }

    /// Entries of `PutEvents` that the bus took, whether or not the sender learned of it.
    pub(crate) fn published(&self) -> Vec<Value> {
        self.shared.state().published.clone()
    }
}

impl<A> World<A> {
    /// The faults that happened so far.
    pub fn injected(&self) -> Injected {
        self.proxy.as_ref().map(Proxy::injected).unwrap_or_default()
    }

    /// Entries of `PutEvents` that the bus took, in a world with faults.
    pub fn published(&self) -> Vec<Value> {
        self.proxy.as_ref().map(Proxy::published).unwrap_or_default()
    }

    /// Calls to SES and SNS that took effect, likewise.
    pub fn sent(&self) -> Vec<Sent> {
        self.proxy.as_ref().map(Proxy::sent).unwrap_or_default()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        let service = hyper::service::service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { shared.answer(request).await }
        });
        // An error is a connection that we ended, or the client did.
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request; an error ends the connection without an answer.
    async fn answer(&self, request: Request<Incoming>) -> Result<Answer> {
        let (mut head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let target = target_of(header("x-amz-target"), head.uri.path(), &body);
        // Clients are told apart by access keys, which they alone and this proxy know.
        let (before, signed) = header("authorization").split_once("Credential=").context("it is not signed")?;
        let (client, rest) = signed.split_once('/').context("it has no scope")?;
        let region = rest.split('/').nth(1).unwrap_or_default().to_owned();
        let (client, known) = (client.to_owned(), format!("{before}Credential={}/{rest}", self.key).parse()?);
        head.headers.insert("authorization", known);
        let (nth, death) = {
            let mut state = self.state();
            let (count, death) = state.clients.entry(client.clone()).or_default();
            *count += 1;
            (*count, Arc::clone(death))
        };
        let (fault, mut dice) = self.faults.draw(&client, nth, &target);
        let fault = fault.filter(|_| client != UNDISTURBED && self.faults.are_in(&region));
        if let Some(fault) = fault {
            *self.state().injected.entry(fault).or_default() += 1;
        }
        let whole = Request::from_parts(head, body);
        match fault {
            None => self.forward(whole).await,
            Some(Fault::Throttled) => {
                let (status, kind) = throttling(&target, &mut dice);
                failure(status, &json!({"__type": kind, "message": "injected"}))
            }
            Some(Fault::ServerError) => {
                failure(if dice.bool() { 500 } else { 503 }, &json!({"__type": "InternalServerError"}))
            }
            Some(Fault::RequestLost) => anyhow::bail!("injected"),
            Some(Fault::AnswerLost) => {
                self.forward(whole).await?;
                anyhow::bail!("injected")
            }
            Some(Fault::Delayed) => {
                tokio::time::sleep(Duration::from_millis(dice.u64(1..100))).await;
                self.forward(whole).await
            }
            Some(Fault::Conflict) => failure(400, &conflict(&serde_json::from_slice(whole.body())?, &mut dice)),
            Some(Fault::PartialFailure) => self.in_part(&target, whole, &mut dice).await,
            Some(Fault::KilledBefore) => {
                death.notify_one();
                std::future::pending().await
            }
            Some(Fault::KilledAfter) => {
                self.forward(whole).await?;
                death.notify_one();
                std::future::pending().await
            }
        }
    }

    async fn in_part(&self, target: &str, whole: Request<Bytes>, dice: &mut fastrand::Rng) -> Result<Answer> {
        let batch = Batch::of(target).context("a batch")?;
        let (head, body) = whole.into_parts();
        let mut request: Value = serde_json::from_slice(&body)?;
        let (at, entry) = Batch::split(&mut request, dice).context("a batch without entries")?;
        let mut answer = json!({});
        if request["Entries"].as_array().is_some_and(|left| !left.is_empty()) {
            let sent = self.forward(Request::from_parts(head, request.to_string().into())).await?;
            let status = sent.status();
            let body = sent.into_body().collect().await?.to_bytes();
            anyhow::ensure!(status == 200, "the emulator answered {status}");
            answer = serde_json::from_slice(&body)?;
        }
        batch.join(&mut answer, at, &entry);
        failure(200, &answer)
    }

    async fn forward(&self, request: Request<Bytes>) -> Result<Answer> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        head.uri = format!("{}{path}", self.upstream).parse()?;
        head.headers.remove("content-length"); // a batch may be shorter by now
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let target = target_of(target, &path, &body);
        let events = target == "AWSEvents.PutEvents";
        let answer = self.client.request(Request::from_parts(head, Full::new(body.clone()))).await?;
        let (mut head, answer) = answer.into_parts();
        let answer = answer.collect().await?.to_bytes();
        head.headers.remove("transfer-encoding");
        if head.status == 200 && (target == "SES.SendEmail" || target == "SNS.Publish") {
            self.state().sent.push(Sent { target, body: String::from_utf8_lossy(&body).into_owned() });
        }
        if events && head.status == 200 {
            let (sent, taken): (Value, Value) = (serde_json::from_slice(&body)?, serde_json::from_slice(&answer)?);
            let pairs =
                sent["Entries"].as_array().into_iter().flatten().zip(taken["Entries"].as_array().into_iter().flatten());
            let taken = pairs.filter(|(_, taken)| taken["ErrorCode"].is_null()).map(|(sent, _)| sent.clone());
            self.state().published.extend(taken);
        }
        Ok(Response::from_parts(head, Full::new(answer)))
    }
}

/// What is called: of the JSON protocols a header says it, of SNS's query protocol the form, of SES's REST the path.
fn target_of(header: &str, path: &str, body: &[u8]) -> String {
    if !header.is_empty() {
        return header.to_owned();
    }
    if path.starts_with("/v2/email/outbound-emails") {
        return "SES.SendEmail".to_owned();
    }
    let form = body.strip_prefix(b"Action=").unwrap_or_default();
    let action = form.split(|&byte| byte == b'&').next().unwrap_or_default();
    match action.is_empty() {
        true => String::new(),
        false => format!("SNS.{}", String::from_utf8_lossy(action)),
    }
}

fn failure(status: u16, body: &Value) -> Result<Answer> {
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    Ok(response.body(Full::new(body.to_string().into()))?)
}
