//! Browsers' push services and webhooks.

use std::time::Duration;

use outbound::{Answer, SendError, WebhookSecret, sign};
use types::{Fault, Instant};
use url::Url;
use work::Priority;

use super::{Inner, Outcome, Parcel};
use crate::domain::{Signing, for_browser, for_webhook};
use crate::web_push::{Keys, MOST_PLAINTEXT_BYTES, encrypt};

/// How long a receiver may take (Standard Webhooks recommends 15 to 30 s; a batch's other messages wait meanwhile).
const PATIENCE: Duration = Duration::from_secs(8);
/// How long a push service keeps what has no end: four weeks, the longest that the common ones do.
const MOST_TTL: Duration = Duration::from_secs(28 * 86_400);

impl Inner {
    /// RFC 8030, encrypted by RFC 8291, signed by RFC 8292. A newer message of the same topic takes the place of one
    /// that its browser has not fetched.
    pub(super) async fn to_browser(
        &self,
        endpoint: &str,
        p256dh: &str,
        auth: &str,
        parcel: Parcel<'_>,
    ) -> Result<Outcome, Fault> {
        let Ok(url) = Url::parse(endpoint) else { return Ok(Outcome::Gone("the endpoint is no URL".to_owned())) };
        let Ok(keys) = Keys::parse(p256dh, auth) else {
            return Ok(Outcome::Gone("the subscription's keys are none".to_owned()));
        };
        let plain = for_browser(parcel.notification, MOST_PLAINTEXT_BYTES);
        let body = encrypt(&keys, &plain).map_err(|e| Fault::permanent("encrypting a message").caused_by(e))?;
        let lasts = parcel.notification.expires_at.map_or(MOST_TTL, |at| parcel.now.until(at)).min(MOST_TTL);
        let urgency = match parcel.notification.priority {
            Priority::Critical | Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        };
        let mut headers = vec![
            ("authorization", self.vapid.authorization(&url, &self.vapid_subject, parcel.now)?),
            ("content-encoding", "aes128gcm".to_owned()),
            ("content-type", "application/octet-stream".to_owned()),
            ("ttl", lasts.as_secs().to_string()),
            ("urgency", urgency.to_owned()),
        ];
        // A topic has at most 32 characters of base64url: a digest of the key.
        if let Some(key) = &parcel.notification.collapse_key {
            headers.push(("topic", self.topics.mac_text(key.as_bytes())[..32].to_owned()));
        }
        let sent = self.outbound.post(&url, &headers, body, PATIENCE).await;
        Ok(match sent {
            Ok(answer) if matches!(answer.status, 404 | 410) => Outcome::Gone(said(&answer)),
            Ok(answer) => read(&answer, parcel.now, false),
            Err(error) => unsent(error),
        })
    }

    /// Standard Webhooks. The delivery's id is the message's, the same at every attempt, so that a receiver knows a
    /// repetition.
    pub(super) async fn to_webhook(
        &self,
        url: &str,
        secrets: &[Signing],
        parcel: Parcel<'_>,
    ) -> Result<Outcome, Fault> {
        let Ok(url) = Url::parse(url) else { return Ok(Outcome::Gone("the webhook is no URL".to_owned())) };
        let valid = secrets.iter().filter(|signing| signing.until.is_none_or(|until| until > parcel.now));
        let secrets: Vec<WebhookSecret> =
            valid.filter_map(|signing| WebhookSecret::parse(&signing.secret).ok()).collect();
        let body = for_webhook(parcel.notification);
        let id = format!("msg_{}_{}", parcel.notification.id, parcel.delivery.address);
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(sign(&id, parcel.now, &body, &secrets));
        Ok(match self.outbound.post(&url, &headers, body, PATIENCE).await {
            Ok(answer) if answer.status == 410 => Outcome::Gone(said(&answer)),
            // Any other answer than 2xx is a failure that may pass, as the specification has it.
            Ok(answer) => match read(&answer, parcel.now, true) {
                Outcome::Refused(why) => Outcome::Unavailable(why),
                outcome => outcome,
            },
            Err(error) => unsent(error),
        })
    }
}

fn read(answer: &Answer, now: Instant, delivered: bool) -> Outcome {
    match answer.status {
        200..300 => Outcome::Sent { id: None, delivered },
        429 => Outcome::Busy(answer.retry_after.map(|pause| now + pause), said(answer)),
        408 | 500.. => Outcome::Unavailable(said(answer)),
        _ => Outcome::Refused(said(answer)),
    }
}

fn unsent(error: SendError) -> Outcome {
    match error {
        SendError::Refused(why) => Outcome::Refused(why.to_owned()),
        // What failed on the way would tell the tenant what there is in our network.
        SendError::NotSent(why) => {
            tracing::warn!(why, "a host is not reached");
            Outcome::Unavailable("not reached".to_owned())
        }
        SendError::Unknown(why) => {
            tracing::warn!(why, "a host does not answer");
            Outcome::Unknown("no answer".to_owned())
        }
    }
}

/// The status alone: what a stranger's server says is not kept.
fn said(answer: &Answer) -> String {
    format!("answered {}", answer.status)
}
