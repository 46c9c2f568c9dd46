//! The deployed stacks, called as a client calls them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use ureq::http::Request;

/// Longest wait for one answer; a first call starts a process.
const CALL: Duration = Duration::from_secs(35);

/// The cloud that `make test` (or `AWS_ENDPOINT_URL`) deployed.
#[derive(Debug)]
pub struct Cloud {
    agent: ureq::Agent,
    endpoint: String,
    stage: String,
    endpoints: Value,
}

/// An answer over HTTP.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body as JSON; a string where it is none.
    pub body: Value,
}

impl Answer {
    /// Last segment of the problem's type; empty for no problem.
    pub fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default()
    }

    /// A member that is a string.
    ///
    /// # Errors
    /// When it is not there.
    pub fn text(&self, name: &str) -> Result<String> {
        self.body[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {}", self.body))
    }
}

impl Cloud {
    /// Finds the deployed cloud in the environment of the test.
    ///
    /// # Errors
    /// When there is none.
    #[allow(clippy::disallowed_methods)] // a test's own configuration
    pub fn connect() -> Result<Self> {
        let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set: run `make test`"));
        let endpoints = std::fs::read_to_string(variable("ALMANAC_ENDPOINTS")?)?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(CALL))
            .build()
            .new_agent();
        Ok(Self {
            agent,
            endpoint: variable("AWS_ENDPOINT_URL")?,
            stage: variable("ALMANAC_STAGE")?,
            endpoints: serde_json::from_str(&endpoints)?,
        })
    }

    /// The stage that is deployed.
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// Where a system answers.
    ///
    /// # Errors
    /// When it is not deployed.
    pub fn url(&self, system: &str) -> Result<&str> {
        self.endpoints["systems"][system]["http"].as_str().with_context(|| format!("{system} is not deployed"))
    }

    /// Where a system's WebSocket API answers: `ws://…`.
    ///
    /// # Errors
    /// When it has none.
    pub fn socket_url(&self, system: &str) -> Result<&str> {
        self.endpoints["systems"][system]["ws"].as_str().with_context(|| format!("{system} has no WebSocket API"))
    }

    /// Puts an object into a bucket; the key as it stands in a URL.
    ///
    /// # Errors
    /// When the bucket does not take it.
    pub fn put_object(&self, bucket: &str, key: &str, body: &str) -> Result<()> {
        let url = format!("{}/{bucket}/{key}", self.endpoint);
        let request = Request::builder().method("PUT").uri(url).header("authorization", authorization("s3"));
        let answer = self.run(request, body)?;
        ensure!(answer.status == 200, "{bucket}/{key}: {} {}", answer.status, answer.body);
        Ok(())
    }

    /// A key for a new tenant of this name, issued by the operator's Lambda. Its tier has no rate limits.
    ///
    /// # Errors
    /// When identity refuses.
    pub fn key(&self, owner: &str, scopes: &[&str]) -> Result<String> {
        self.key_of_tier(owner, scopes, "enterprise")
    }

    /// The same of another tier.
    ///
    /// # Errors
    /// When identity refuses.
    pub fn key_of_tier(&self, owner: &str, scopes: &[&str], tier: &str) -> Result<String> {
        let request = json!({"owner": owner, "name": "test", "scopes": scopes, "tier": tier});
        let issued = self.invoke("identity/issue_key", &request)?;
        issued["secret"].as_str().map(str::to_owned).with_context(|| issued.to_string())
    }

    /// Sends a request; a key goes as `X-Api-Key`.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn call(
        &self,
        system: &str,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let headers: Vec<(&str, &str)> = key.map(|key| ("x-api-key", key)).into_iter().collect();
        self.send(system, method, path, &headers, body.map(Value::to_string).as_deref())
    }

    /// Sends a request with any headers and body.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send(
        &self,
        system: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url(system)?));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if body.is_some() && !typed {
            request = request.header("content-type", "application/json");
        }
        self.run(request, body.unwrap_or_default())
    }

    fn run(&self, request: ureq::http::request::Builder, body: &str) -> Result<Answer> {
        let mut response = self.agent.run(request.body(body.to_owned())?)?;
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let text = response.body_mut().read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, headers, body })
    }

    /// Invokes a Lambda by hand: `identity/issue_key`.
    ///
    /// # Errors
    /// When the Lambda fails.
    pub fn invoke(&self, function: &str, payload: &Value) -> Result<Value> {
        let name = format!("{}-{}", self.stage, function.replace(['/', '_'], "-"));
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.endpoint);
        let request = Request::builder().method("POST").uri(url).header("authorization", authorization("lambda"));
        let answer = self.run(request, &payload.to_string())?;
        let failed = answer.headers.get("x-amz-function-error");
        ensure!(answer.status == 200 && failed.is_none(), "{name}: {} {:?} {}", answer.status, failed, answer.body);
        Ok(answer.body)
    }

    /// Calls a service of the emulator by method and path: `lambda`, `GET`, `/2015-03-31/functions/…`. What is no JSON
    /// is a string.
    ///
    /// # Errors
    /// When the service refuses.
    pub fn rest(&self, service: &str, method: &str, path: &str, payload: Option<&Value>) -> Result<Value> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.endpoint));
        let request = request.header("authorization", authorization(service));
        let answer = self.run(request, &payload.map(Value::to_string).unwrap_or_default())?;
        ensure!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// Calls a service of the emulator that speaks AWS's JSON protocol: `sqs`, `AmazonSQS.ReceiveMessage`. (Emulators
    /// read the service from the signature's scope and do not verify it, so tests need no further SDK.)
    ///
    /// # Errors
    /// When the service refuses.
    pub fn aws(&self, service: &str, target: &str, payload: &Value) -> Result<Value> {
        let request = Request::builder()
            .method("POST")
            .uri(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .header("authorization", authorization(service));
        let answer = self.run(request, &payload.to_string())?;
        ensure!(answer.status == 200, "{target}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }
}

fn authorization(service: &str) -> String {
    let scope = format!("20261121/us-east-1/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders=host, Signature=none")
}
/// Puts a file to a URL that was signed for it; the status of the answer.
///
/// # Errors
/// When there is none.
pub fn upload(url: &str, text: &str) -> Result<u16> {
    match ureq::put(url).send(text) {
        Err(ureq::Error::StatusCode(status)) => Ok(status),
        answer => Ok(answer.context("uploading")?.status().as_u16()),
    }
}

/// Asks again until there is an answer, at most `limit` long.
///
/// # Errors
/// When the limit passes, naming what was waited for; and at once when a try fails.
#[allow(clippy::disallowed_methods)] // waiting on a condition that only asking again can tell
pub fn eventually<T>(what: &str, limit: Duration, mut attempt: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(value) = attempt()? {
            return Ok(value);
        }
        if started.elapsed() > limit {
            bail!("waited {limit:?} for {what}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
