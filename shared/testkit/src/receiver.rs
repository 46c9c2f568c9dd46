//! A server of somebody else's: it takes what webhooks and push services are sent, and answers as a test says.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Path and query.
    pub path: String,
    /// Headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// How it answers: a status, or nothing at all (the connection ends).
type Answering = Arc<dyn Fn(&Received) -> Option<u16> + Send + Sync>;

/// The server; it ends with the process.
pub struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// Starts one on a free port, in a thread of its own.
    ///
    /// # Errors
    /// When there is no port for it.
    pub fn start(answer: impl Fn(&Received) -> Option<u16> + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let (address, received) = (listener.local_addr()?, Arc::<Mutex<Vec<Received>>>::default());
        let (keep, answer): (_, Answering) = (Arc::clone(&received), Arc::new(answer));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || runtime.block_on(accept(listener, keep, answer)));
        Ok(Self { address, received })
    }

    /// Its URL, with a path: `http://127.0.0.1:4321/hook`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What came so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn accept(listener: TcpListener, received: Arc<Mutex<Vec<Received>>>, answer: Answering) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let (received, answer) = (Arc::clone(&received), Arc::clone(&answer));
        let service =
            hyper::service::service_fn(move |request| take(request, Arc::clone(&received), Arc::clone(&answer)));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn take(
    request: Request<Incoming>,
    received: Arc<Mutex<Vec<Received>>>,
    answer: Answering,
) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    let one = Received {
        path: head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        headers: headers.collect(),
        body: body.collect().await?.to_bytes().to_vec(),
    };
    received.lock().unwrap_or_else(PoisonError::into_inner).push(one.clone());
    let status = answer(&one).context("it ends the connection")?;
    Ok(Response::builder().status(status).body(Full::default())?)
}
