//! A Lambda as a process of its own behind the smallest of Runtime APIs, so that it can die as processes die.

use std::convert::Infallible;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws::env::Env;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, mpsc};
use types::random;

/// Longest wait for an answer, with a cold start in it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A `bootstrap` that serves one handler. When faults kill it, it gets SIGKILL, and the next invocation starts another.
pub struct Process {
    bootstrap: Command,
    child: Option<Child>,
    death: Arc<Notify>,
    events: mpsc::Sender<String>,
    answers: mpsc::Receiver<Bytes>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.serving.abort();
        let _ = self.kill();
    }
}

impl Process {
    pub(crate) async fn new(system: &str, handler: &str, env: &Env, death: Arc<Notify>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (events, waiting) = mpsc::channel(1);
        let (done, answers) = mpsc::channel(1);
        // Tests lie in target/<profile>/deps, binaries above them.
        let tests = std::env::current_exe()?;
        let mut bootstrap = Command::new(tests.ancestors().nth(2).context("target")?.join(system));
        bootstrap.env_clear().envs(env.iter()).stdout(Stdio::null()).stderr(Stdio::null());
        bootstrap.env("_HANDLER", handler).env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string());
        for (name, value) in [("NAME", handler), ("VERSION", "1"), ("MEMORY_SIZE", "128")] {
            bootstrap.env(format!("AWS_LAMBDA_FUNCTION_{name}"), value);
        }
        let serving = tokio::spawn(serve(listener, Arc::new(Mutex::new(waiting)), done));
        Ok(Self { bootstrap, child: None, death, events, answers, serving })
    }

    /// Invokes the Lambda; `None` when its process was killed.
    ///
    /// # Errors
    /// When it cannot be started (`cargo build --workspace --bins` makes it), or does not answer.
    pub async fn invoke(&mut self, event: &Value) -> Result<Option<Value>> {
        if self.child.is_none() {
            let started = self.bootstrap.spawn();
            self.child = Some(started.with_context(|| format!("{:?}", self.bootstrap.get_program()))?);
        }
        self.events.send(event.to_string()).await?;
        let answer = tokio::select! {
            biased;
            () = self.death.notified() => None,
            answer = tokio::time::timeout(PATIENCE, self.answers.recv()) => Some(answer.context("no answer")?),
        };
        match answer {
            None => self.kill().map(|()| None),
            Some(answer) => Ok(Some(serde_json::from_slice(&answer.context("the Runtime API ended")?)?)),
        }
    }

    fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }
}

type Waiting = Arc<Mutex<mpsc::Receiver<String>>>;

async fn serve(listener: TcpListener, waiting: Waiting, done: mpsc::Sender<Bytes>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (waiting, done) = (Arc::clone(&waiting), done.clone());
        let service = hyper::service::service_fn(move |request| answer(request, Arc::clone(&waiting), done.clone()));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// `GET …/invocation/next` waits for an event; `POST …/response` (or `error`) hands over what came of it.
async fn answer(
    request: Request<Incoming>,
    waiting: Waiting,
    done: mpsc::Sender<Bytes>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::builder();
    let mut body = Bytes::new();
    if request.method() == Method::GET {
        if let Some(event) = waiting.lock().await.recv().await {
            body = event.into();
        }
        response = response
            .header("lambda-runtime-aws-request-id", random::uuid().to_string())
            .header("lambda-runtime-deadline-ms", "0")
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:test");
    } else {
        let answer = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
        let _ = done.send(answer.unwrap_or_default()).await;
        response = response.status(202);
    }
    Ok(response.body(Full::new(body)).unwrap_or_default())
}
