//! Clients, built when first asked for: a handler that never sends a message never pays for SQS.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use types::Fault;

use crate::env::Env;
use crate::metering::Metering;

/// Amazon's root certificates (amazontrust.com): every AWS endpoint chains to one of them. Reading the system's store
/// of some 150 roots costs 4–5 ms of each cold start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// One configuration for all clients of a process.
#[derive(Debug, Clone)]
pub struct Sdk(Arc<SdkConfig>);

impl Sdk {
    /// Reads what Lambda gives every function: region, the role's credentials, and where it is set `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    /// When one of them is missing, or `AWS_CA_BUNDLE` names a file that cannot be read.
    pub fn from_env(env: &Env) -> Result<Self, Fault> {
        let credentials = Credentials::new(
            env.require("AWS_ACCESS_KEY_ID")?,
            env.require("AWS_SECRET_ACCESS_KEY")?,
            env.get("AWS_SESSION_TOKEN").map(str::to_owned),
            None,
            "environment",
        );
        let mut config = SdkConfig::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::v2026_01_12())
            .region(Region::new(env.require("AWS_REGION")?.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client(env)?)
            .sleep_impl(TokioSleep::new())
            .time_source(aws_smithy_async::time::SystemTimeSource::new())
            // Three attempts, and a token bucket of the client that stops retrying when most calls fail.
            .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(1))
                    .operation_attempt_timeout(Duration::from_secs(3))
                    .build(),
            );
        if let Some(url) = env.get("AWS_ENDPOINT_URL") {
            config = config.endpoint_url(url);
        }
        Ok(Self(Arc::new(config.build())))
    }

    /// A DynamoDB client.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::config::Builder::from(&*self.0).interceptor(Metering);
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// An SQS client.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::from_conf(aws_sdk_sqs::config::Builder::from(&*self.0).interceptor(Metering).build())
    }

    /// An SNS client.
    pub fn sns(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::from_conf(aws_sdk_sns::config::Builder::from(&*self.0).interceptor(Metering).build())
    }

    /// An SES client (API version 2).
    pub fn ses(&self) -> aws_sdk_sesv2::Client {
        aws_sdk_sesv2::Client::from_conf(aws_sdk_sesv2::config::Builder::from(&*self.0).interceptor(Metering).build())
    }

    /// An S3 client. An emulator at `AWS_ENDPOINT_URL` has no host for each bucket, so buckets stand in the path there.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&*self.0).interceptor(Metering);
        aws_sdk_s3::Client::from_conf(config.force_path_style(self.0.endpoint_url().is_some()).build())
    }

    /// The same in another region, for a service whose own is down.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self(Arc::new(self.0.to_builder().region(Region::new(region.to_owned())).build()))
    }

    /// The same, but a call is tried once and no more, and for longer: for calls that a provider would carry out twice.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(10))
            .build();
        let config = self.0.to_builder().retry_config(RetryConfig::disabled()).timeout_config(timeouts);
        Self(Arc::new(config.build()))
    }

    /// An EventBridge client.
    pub fn eventbridge(&self) -> aws_sdk_eventbridge::Client {
        let config = aws_sdk_eventbridge::config::Builder::from(&*self.0).interceptor(Metering);
        aws_sdk_eventbridge::Client::from_conf(config.build())
    }

    /// A client for the connections of one WebSocket API, at its own URL.
    pub fn apigatewaymanagement(&self, url: &str) -> aws_sdk_apigatewaymanagement::Client {
        let config = aws_sdk_apigatewaymanagement::config::Builder::from(&*self.0).interceptor(Metering);
        aws_sdk_apigatewaymanagement::Client::from_conf(config.endpoint_url(url).build())
    }

    /// The configuration itself, for a service that only a test or one system calls.
    pub fn config(&self) -> &SdkConfig {
        &self.0
    }
}

fn http_client(env: &Env) -> Result<SharedHttpClient, Fault> {
    let roots = match env.get("AWS_CA_BUNDLE") {
        None => AMAZON_ROOTS.to_vec(),
        Some(path) => {
            std::fs::read(path).map_err(|e| Fault::permanent(format!("AWS_CA_BUNDLE {path}")).caused_by(e))?
        }
    };
    let tls = TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(roots))
        .build()
        .map_err(|e| Fault::permanent("the TLS trust store").caused_by(e))?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .build_https())
}

/// Turns a failed call into a fault; throttling, timeouts and 5xx may pass, the rest repeats.
pub fn fault<E>(what: impl Into<String>, error: SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let transient = match &error {
        SdkError::ServiceError(service) => {
            may_pass(service.raw().status().as_u16(), service.err().code().unwrap_or_default())
        }
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    };
    let fault = if transient { Fault::transient(what) } else { Fault::permanent(what) };
    fault.caused_by(error)
}

/// DynamoDB and SQS answer throttling with 400 and a name; everybody answers their own failures with 5xx.
fn may_pass(status: u16, code: &str) -> bool {
    const NAMES: [&str; 7] = [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "LimitExceededException",
        "TransactionInProgressException",
        "TransactionConflictException",
    ];
    status >= 500 || status == 429 || NAMES.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass() {
        assert!(may_pass(400, "ProvisionedThroughputExceededException"));
        assert!(may_pass(403, "RequestThrottled"), "SQS");
        assert!(may_pass(503, "") && may_pass(500, "InternalServerError") && may_pass(429, ""));
        assert!(!may_pass(400, "ValidationException") && !may_pass(400, "AccessDeniedException"));
    }
}
