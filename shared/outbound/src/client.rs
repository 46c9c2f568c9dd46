//! The client: one POST, guarded, within a deadline, without redirects; its failures told apart by their effect.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use http_body_util::BodyExt as _;
use tokio::time::{Instant as Tick, timeout_at};
use url::Url;

use crate::guard::{GuardedResolver, NotGlobal, check_url};

/// What is kept of an answer's body, in bytes: enough for an error message in a delivery's log.
pub const MOST_ANSWER_BYTES: usize = 4096;

/// The longest `Retry-After` that is believed; a longer one counts as this.
pub const MOST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// How long an idle connection is kept for the next call. Short: many receivers close theirs after 5 s, and a request
/// on a connection that is just being closed has an unknown outcome.
const IDLE: Duration = Duration::from_secs(4);

/// Headers that frame the request or direct it; they are the client's alone (RFC 9110, 7.2 and 7.6.1).
const OWN_HEADERS: [&str; 8] =
    ["connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// HTTP to hosts that tenants chose. Clones share connections.
#[derive(Debug, Clone)]
pub struct Outbound(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    allow_private: bool,
    connector: OnceLock<Connector>,
}

/// What the host answered, whatever the status: a redirect is an answer too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `Retry-After`, at most [`MOST_RETRY_AFTER`]; a date counts from the answer's own `Date` (RFC 9110, 10.2.3).
    pub retry_after: Option<Duration>,
    /// The start of the body, at most [`MOST_ANSWER_BYTES`]; shorter when the rest did not come in time.
    pub body: Vec<u8>,
}

/// No answer, told apart by what the host may have seen. `Display` is for our log; the two texts are not the
/// tenant's to read, since they tell of our network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The URL, a header or an address the name resolves to is not allowed. Nothing was sent.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// No connection could be made (name, TCP or TLS): certainly without effect.
    #[error("not sent: {0}")]
    NotSent(String),
    /// No answer in time or a broken connection, after the request may have been sent.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}

impl Outbound {
    /// A client. `allow_private`, for a local cloud and tests alone, permits http and private addresses.
    pub fn new(allow_private: bool) -> Self {
        Self(Arc::new(Inner { allow_private, connector: OnceLock::new() }))
    }

    /// Sends one POST and waits for its answer, no longer than `timeout` or what is left of the invocation. It is
    /// never repeated here and follows no redirect, whose target nobody has judged.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn post(
        &self,
        url: &Url,
        headers: &[(&str, String)],
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<Answer, SendError> {
        check_url(url, self.0.allow_private).map_err(SendError::Refused)?;
        self.send(request(url, headers, body)?, timeout).await
    }

    async fn send(&self, mut request: HttpRequest, timeout: Duration) -> Result<Answer, SendError> {
        let deadline = Tick::now() + timeout.min(aws::remaining());
        let connection = CaptureSmithyConnection::new();
        request.add_extension(connection.clone());
        // A request goes out only on a connection, and the connector notes the connection first.
        let failed = |what: String| match connection.get() {
            None => SendError::NotSent(what),
            Some(_) => SendError::Unknown(what),
        };
        let response = match timeout_at(deadline, self.connector().call(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if is_refusal(&error) => return Err(SendError::Refused(NotGlobal::REASON)),
            Ok(Err(error)) => return Err(failed(chain(&error))),
            Err(_) => return Err(failed("no answer in time".to_owned())),
        };
        let header = |name| response.headers().get(name);
        let retry_after = header("retry-after").and_then(|value| retry_after(value, header("date")));
        let mut answer = Answer { status: response.status().as_u16(), retry_after, body: Vec::new() };
        // The status is the answer: a body that breaks off or dawdles does not take it back.
        let _ = timeout_at(deadline, read(response.into_body(), &mut answer.body)).await;
        Ok(answer)
    }

    /// Made when first needed: reading the system's roots takes milliseconds. No proxy is configured, which would
    /// resolve names by itself.
    fn connector(&self) -> &Connector {
        let resolver = GuardedResolver { allow_private: self.0.allow_private };
        let tls = Provider::Rustls(CryptoMode::AwsLc);
        let make = || Connector::builder().pool_idle_timeout(IDLE).tls_provider(tls).build_with_resolver(resolver);
        self.0.connector.get_or_init(make)
    }
}

fn request(url: &Url, headers: &[(&str, String)], body: Vec<u8>) -> Result<HttpRequest, SendError> {
    if headers.iter().any(|(name, _)| OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name))) {
        return Err(SendError::Refused("a header is the client's own"));
    }
    let builder = http::Request::post(url.as_str());
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value));
    let request = builder.body(SdkBody::from(body)).map_err(|_| SendError::Refused("the URL or a header is malformed"));
    HttpRequest::try_from(request?).map_err(|_| SendError::Refused("a header is not text"))
}

/// Reads to the end or to the limit; dropping the rest closes the connection.
async fn read(mut body: SdkBody, kept: &mut Vec<u8>) {
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            kept.extend_from_slice(&data[..data.len().min(MOST_ANSWER_BYTES - kept.len())]);
        }
        if kept.len() == MOST_ANSWER_BYTES {
            return;
        }
    }
}

/// Seconds, or a date that counts from `date`: the sender's clock against itself, not against ours.
fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    let seconds = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().unwrap_or(u64::MAX) // only too many digits fail
    } else {
        let parse = |text| DateTime::from_str(text, Format::HttpDate).ok();
        u64::try_from(parse(value)?.secs().saturating_sub(parse(date?)?.secs())).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds).min(MOST_RETRY_AFTER))
}

/// The error and its causes. An `io::Error` hides what it wraps from `source`, so it is asked for that by name.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<std::io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<NotGlobal>())
}

fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
