//! Tokens of an OpenID Connect issuer: signature by its published keys, issuer, audience, times.

use std::collections::HashMap;
use std::time::Duration;

use aws::env::Env;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use types::{Fault, Instant};

use crate::jwks::Jwks;

/// Difference of clocks that is forgiven.
const LEEWAY: Duration = Duration::from_secs(30);
/// The prefix of scopes that are meant for us, as Cognito's resource servers write them: `almanac/links:read`.
const SCOPE_PREFIX: &str = "almanac/";

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The issuer's name for the user.
    pub subject: String,
    /// Scopes granted to us beyond the default ones.
    pub scopes: Vec<String>,
    /// From when on it is no good.
    pub expires_at: Instant,
}

/// Verifies tokens of one issuer.
#[derive(Debug)]
pub struct Verifier {
    issuer: String,
    audience: Option<String>,
    keys: Jwks,
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    #[serde(default)]
    nbf: i64,
    #[serde(default)]
    scope: String,
    client_id: Option<String>,
    token_use: Option<String>,
    #[serde(flatten)]
    rest: HashMap<String, serde_json::Value>,
}

impl Verifier {
    /// The verifier of `JWT_ISSUER`, or none where no issuer is set.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn from_env(env: &Env) -> Result<Option<Self>, Fault> {
        let Some(issuer) = env.get("JWT_ISSUER") else { return Ok(None) };
        let (issuer, audience) = (issuer.to_owned(), env.get("JWT_AUDIENCE").map(str::to_owned));
        Ok(Some(Self { keys: Jwks::of_issuer(&issuer, env), issuer, audience }))
    }

    /// What the token says, or `None` if it is not good.
    ///
    /// # Errors
    /// When the issuer's keys cannot be had: then nothing is known of the token.
    pub async fn verify(&self, token: &str, now: Instant) -> Result<Option<Verified>, Fault> {
        let Ok(header) = decode_header(token) else { return Ok(None) };
        // Asymmetric algorithms only: a public key is no secret for an HMAC.
        let asymmetric = matches!(
            header.alg,
            Algorithm::RS256
                | Algorithm::RS384
                | Algorithm::RS512
                | Algorithm::PS256
                | Algorithm::PS384
                | Algorithm::PS512
                | Algorithm::ES256
                | Algorithm::ES384
                | Algorithm::EdDSA
        );
        let Some(kid) = header.kid.filter(|_| asymmetric) else { return Ok(None) };
        let Some(key) = self.keys.key(&kid, now).await? else { return Ok(None) };
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        (validation.validate_exp, validation.validate_aud) = (false, false); // below, by our clock
        let Ok(token) = decode::<Claims>(token, &key, &validation) else { return Ok(None) };
        Ok(self.judge(token.claims, now))
    }

    fn judge(&self, claims: Claims, now: Instant) -> Option<Verified> {
        let expires_at = Instant::from_seconds(claims.exp);
        let in_time = now < expires_at + LEEWAY && Instant::from_seconds(claims.nbf) <= now + LEEWAY;
        let access = claims.token_use.as_deref().is_none_or(|token_use| token_use == "access");
        let for_us = self.audience.as_ref().is_none_or(|audience| {
            // Cognito's access tokens name the client in `client_id` and have no `aud`.
            claims.client_id.as_ref() == Some(audience)
                || match claims.rest.get("aud") {
                    Some(serde_json::Value::Array(all)) => all.iter().any(|aud| aud == audience),
                    Some(aud) => aud == audience,
                    None => false,
                }
        });
        let scopes = claims.scope.split_whitespace().filter_map(|scope| scope.strip_prefix(SCOPE_PREFIX));
        (in_time && access && for_us && !claims.sub.is_empty()).then(|| Verified {
            subject: claims.sub.clone(),
            scopes: scopes.map(str::to_owned).collect(),
            expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    use jsonwebtoken::jwk::{Jwk, JwkSet};
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;
    use crate::jwks::{KEYS_KEPT, REFETCH_AFTER};

    const NOW: Instant = Instant::from_seconds(1_800_000_000);

    struct Issuer {
        key: EncodingKey,
        jwk: Jwk,
    }

    fn issuer() -> Issuer {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key = EncodingKey::from_ec_der(der.as_ref());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("k1".to_owned());
        Issuer { key, jwk }
    }

    impl Issuer {
        fn verifier(&self, audience: Option<&str>) -> Verifier {
            let mut env = Env::of([("JWT_ISSUER", "https://issuer.example"), ("JWKS_URL", "http://127.0.0.1:9/jwks")]);
            if let Some(audience) = audience {
                env = env.with("JWT_AUDIENCE", audience);
            }
            let verifier = Verifier::from_env(&env).unwrap().unwrap();
            verifier.keys.hold(JwkSet { keys: vec![self.jwk.clone()] }, NOW);
            verifier
        }

        fn token(&self, changes: Value) -> String {
            let mut claims = json!({"iss": "https://issuer.example", "sub": "u1", "exp": NOW.seconds() + 600});
            claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::ES256) };
            encode(&header, &claims, &self.key).unwrap()
        }
    }

    #[tokio::test]
    async fn what_a_good_token_says() {
        let issuer = issuer();
        let token = issuer.token(json!({"scope": "openid almanac/links:read admin almanac/x:y"}));
        let verified = issuer.verifier(None).verify(&token, NOW).await.unwrap().unwrap();
        assert_eq!(
            (verified.subject.as_str(), verified.scopes),
            ("u1", vec!["links:read".to_owned(), "x:y".to_owned()])
        );
        assert_eq!(verified.expires_at, NOW + Duration::from_secs(600));
    }

    #[tokio::test]
    async fn what_is_no_good_token() {
        let issuer = issuer();
        let verifier = issuer.verifier(Some("app"));
        let for_us = |mut changes: Value| {
            changes.as_object_mut().unwrap().entry("aud").or_insert("app".into());
            issuer.token(changes)
        };
        let good = |token: String| {
            let verifier = &verifier;
            async move { verifier.verify(&token, NOW).await.unwrap().is_some() }
        };
        assert!(good(for_us(json!({}))).await);
        assert!(good(for_us(json!({"aud": ["other", "app"]}))).await);
        assert!(good(for_us(json!({"aud": null, "client_id": "app"}))).await);
        assert!(good(for_us(json!({"exp": NOW.seconds() - 20}))).await, "within the leeway");
        assert!(!good(for_us(json!({"exp": NOW.seconds() - 31}))).await);
        assert!(!good(for_us(json!({"exp": null}))).await);
        assert!(!good(for_us(json!({"nbf": NOW.seconds() + 60}))).await);
        assert!(!good(for_us(json!({"iss": "https://evil.example"}))).await);
        assert!(!good(for_us(json!({"aud": "other"}))).await);
        assert!(!good(for_us(json!({"aud": null}))).await);
        assert!(!good(for_us(json!({"token_use": "id"}))).await);
        assert!(!good(for_us(json!({"sub": ""}))).await);
        assert!(!good("a.b.c".to_owned()).await);
        let stranger = self::issuer().token(json!({"aud": "app"}));
        assert!(!good(stranger).await, "signed by another key of the same name");
    }

    #[tokio::test]
    async fn a_public_key_is_no_shared_secret() {
        let issuer = issuer();
        let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
        let claims = json!({"iss": "https://issuer.example", "sub": "u1", "exp": NOW.seconds() + 600});
        let public = serde_json::to_vec(&issuer.jwk).unwrap();
        let token = encode(&header, &claims, &EncodingKey::from_secret(&public)).unwrap();
        assert_eq!(issuer.verifier(None).verify(&token, NOW).await.unwrap(), None);
    }

    #[tokio::test]
    async fn keys_are_fetched_for_an_unknown_name_but_not_at_every_token() {
        let issuer = issuer();
        let header = Header { kid: Some("k2".to_owned()), ..Header::new(Algorithm::ES256) };
        let token = encode(&header, &json!({"sub": "u1"}), &issuer.key).unwrap();
        let verifier = issuer.verifier(None);
        assert_eq!(verifier.verify(&token, NOW).await.unwrap(), None, "fetched a moment ago: not again");
        let later = verifier.verify(&token, NOW + REFETCH_AFTER).await;
        assert!(later.is_err_and(|fault| fault.is_transient()), "fetched again, and nothing answers there");
        assert_eq!(verifier.keys.failed(), Some(NOW + REFETCH_AFTER), "so it is left alone for a while");
        let old = issuer.token(json!({"exp": NOW.seconds() + 90_000}));
        assert!(verifier.verify(&old, NOW + KEYS_KEPT).await.unwrap().is_some(), "an old key is better than none");
    }
}
