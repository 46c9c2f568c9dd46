//! An issuer's published keys: fetched when needed, kept for an hour, old ones rather than none.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use aws::env::Env;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::{BodyExt as _, Limited};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;
use types::{Fault, Instant};

/// Keys are fetched anew after this long …
pub(crate) const KEYS_KEPT: Duration = Duration::from_secs(3600);
/// … or when a token names one that is unknown, but not more often than this.
pub(crate) const REFETCH_AFTER: Duration = Duration::from_secs(60);
/// While the issuer does not answer, it is asked this often and no more.
const RETRY_AFTER: Duration = Duration::from_secs(5);
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
const MOST_BYTES: usize = 256 * 1024;

/// The keys of one issuer.
#[derive(Debug)]
pub struct Jwks {
    url: String,
    connector: OnceLock<Connector>,
    known: Mutex<Known>,
}

/// The issuer's keys as last fetched, and when fetching failed last.
#[derive(Debug, Clone, Default)]
struct Known {
    keys: Option<(Arc<JwkSet>, Instant)>,
    failed: Option<Instant>,
}

impl Jwks {
    /// Where `issuer` publishes its keys: `JWKS_URL`, or its well-known place.
    pub fn of_issuer(issuer: &str, env: &Env) -> Self {
        let published = format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'));
        let url = match (env.get("JWKS_URL"), env.get("AWS_ENDPOINT_URL"), published.find("://cognito-idp.")) {
            (Some(url), ..) => url.to_owned(),
            // Cognito is an AWS service: where their endpoint is replaced, its is too.
            (None, Some(endpoint), Some(_)) => {
                let path = published.splitn(4, '/').nth(3).unwrap_or_default();
                format!("{}/{path}", endpoint.trim_end_matches('/'))
            }
            (None, ..) => published,
        };
        Self { url, connector: OnceLock::new(), known: Mutex::default() }
    }

    /// The key called `kid`, or `None` if the issuer has none of that name.
    ///
    /// # Errors
    /// When the issuer's keys cannot be had.
    pub async fn key(&self, kid: &str, now: Instant) -> Result<Option<DecodingKey>, Fault> {
        let known = self.known().clone();
        let find = |keys: &JwkSet| keys.find(kid).and_then(|jwk| DecodingKey::from_jwk(jwk).ok());
        let (held, fetched) = match &known.keys {
            Some((keys, fetched)) => (find(keys), Some(*fetched)),
            None => (None, None),
        };
        let fresh = |kept| fetched.is_some_and(|fetched| now < fetched + kept);
        if fresh(if held.is_some() { KEYS_KEPT } else { REFETCH_AFTER }) {
            return Ok(held);
        }
        let resting = known.failed.is_some_and(|failed| now < failed + RETRY_AFTER);
        let fetched = if resting {
            Err(Fault::transient("the issuer's keys: no answer a moment ago"))
        } else {
            self.fetch().await
        };
        match fetched {
            Ok(keys) => {
                let found = find(&keys);
                *self.known() = Known { keys: Some((Arc::new(keys), now)), failed: None };
                Ok(found)
            }
            Err(fault) => {
                if !resting {
                    self.known().failed = Some(now);
                }
                held.map(Some).ok_or(fault) // an old key is better than none
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Made when first needed: reading the system's roots, which any issuer may chain to, takes milliseconds.
    fn connector(&self) -> &Connector {
        let make = || Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build();
        self.connector.get_or_init(make)
    }

    /// No redirects, a bounded body, a short wait.
    async fn fetch(&self) -> Result<JwkSet, Fault> {
        let failed = |what: &str| Fault::transient(format!("the issuer's keys at {}: {what}", self.url));
        let request = HttpRequest::get(&self.url).map_err(|e| failed("the URL").caused_by(e))?;
        let response = tokio::time::timeout(FETCH_TIMEOUT, async {
            let response = self.connector().call(request).await.map_err(|e| failed("no answer").caused_by(e))?;
            if !response.status().is_success() {
                return Err(failed(&format!("status {}", response.status().as_u16())));
            }
            let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
            body.map(|body| body.to_bytes()).map_err(|e| failed("the body").caused_by(e))
        });
        let bytes = response.await.map_err(|_| failed("no answer in time"))??;
        serde_json::from_slice(&bytes).map_err(|e| failed("no key set").caused_by(e))
    }

    #[cfg(test)]
    pub(crate) fn hold(&self, keys: JwkSet, at: Instant) {
        *self.known() = Known { keys: Some((Arc::new(keys), at)), failed: None };
    }

    #[cfg(test)]
    pub(crate) fn failed(&self) -> Option<Instant> {
        self.known().failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cognitos_keys_are_where_the_aws_endpoint_is() {
        let of = |pairs: &[(&str, &str)]| {
            let env = Env::of(pairs.to_vec());
            Jwks::of_issuer(env.get("JWT_ISSUER").unwrap(), &env).url
        };
        let cognito = ("JWT_ISSUER", "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x");
        let endpoint = ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
        assert_eq!(of(&[cognito]), "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x/.well-known/jwks.json");
        assert_eq!(of(&[cognito, endpoint]), "http://127.0.0.1:4566/us-east-1_x/.well-known/jwks.json");
        assert_eq!(of(&[("JWT_ISSUER", "https://i.example/"), endpoint]), "https://i.example/.well-known/jwks.json");
    }
}
