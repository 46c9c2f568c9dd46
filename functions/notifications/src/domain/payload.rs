//! What each channel is given.

use std::time::Duration;

use serde_json::{Map, Value, json};
use types::{Instant, Priority};

use super::{Notification, Platform};

/// Largest payload of a push, in bytes: APNs and FCM take 4,096.
const MOST_PUSH_BYTES: usize = 4096;
/// Largest text message that SNS takes, in bytes; longer ones are refused.
const MOST_SMS_BYTES: usize = 1600;

/// The message for SNS, of `MessageStructure=json`: JSON whose members are texts that hold JSON again, one for the
/// platform that the endpoint is of.
pub fn for_push(notification: &Notification, platform: Platform, now: Instant) -> Value {
    let payload = |body: &str| match platform {
        Platform::Apns | Platform::ApnsSandbox => apns(notification, body).to_string(),
        Platform::Fcm => fcm(notification, body, now).to_string(),
    };
    let text = fitting(&notification.content.body, MOST_PUSH_BYTES, payload);
    json!({"default": notification.content.title, platform.name(): text})
}

/// How long a push is kept for a device that is off: FCM takes four weeks at most.
pub fn push_lasts(notification: &Notification, now: Instant) -> Option<Duration> {
    notification.expires_at.map(|at| now.until(at).min(Duration::from_secs(28 * 86_400)))
}

/// The payload with as much of the body as fits. (What does not fit without any is the provider's to refuse.)
fn fitting(body: &str, most_bytes: usize, payload: impl Fn(&str) -> String) -> String {
    let whole = payload(body);
    if whole.len() <= most_bytes {
        return whole;
    }
    // How much a character takes in JSON depends on it, so the length is searched for.
    let (mut fits, mut too_long) = (0, body.len());
    while too_long - fits > 1 {
        let middle = fits.midpoint(too_long);
        match payload(&shortened(body, middle)).len() <= most_bytes {
            true => fits = middle,
            false => too_long = middle,
        }
    }
    payload(&shortened(body, fits))
}

/// At most so many bytes and a mark that there was more.
fn shortened(text: &str, bytes: usize) -> String {
    let end = (0..=bytes).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    format!("{}…", &text[..end])
}

/// Apple, *Generating a remote notification*: `aps`, and what is the app's own beside it.
fn apns(notification: &Notification, body: &str) -> Value {
    let level = if notification.priority == Priority::Critical { "time-sensitive" } else { "active" };
    json!({
        "aps": {
            "alert": {"title": notification.content.title, "body": body},
            "sound": "default",
            "interruption-level": level,
            "thread-id": notification.kind,
        },
        "notification_id": notification.id,
        "type": notification.kind,
        "data": data(notification),
    })
}

/// FCM HTTP v1, which SNS takes as `fcmV1Message`; values of `data` must be texts.
fn fcm(notification: &Notification, body: &str, now: Instant) -> Value {
    let mut texts = Map::new();
    texts.insert("notification_id".to_owned(), notification.id.as_str().into());
    texts.insert("type".to_owned(), notification.kind.as_str().into());
    for (name, value) in data(notification).as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        texts.entry(name.as_str()).or_insert(text.into());
    }
    let urgent = matches!(notification.priority, Priority::Critical | Priority::High);
    let mut android = json!({"priority": if urgent { "high" } else { "normal" }});
    if let Some(key) = &notification.collapse_key {
        android["collapse_key"] = key.as_str().into();
    }
    if let Some(lasts) = push_lasts(notification, now) {
        android["ttl"] = format!("{}s", lasts.as_secs()).into();
    }
    json!({"fcmV1Message": {"message": {
        "notification": {"title": notification.content.title, "body": body},
        "data": texts,
        "android": android,
    }}})
}

/// What a service worker gets: JSON of at most so many bytes, the body shortened where it must be.
pub fn for_browser(notification: &Notification, most_bytes: usize) -> Vec<u8> {
    let payload = |body: &str| {
        let payload = json!({
            "notification_id": notification.id,
            "type": notification.kind,
            "title": notification.content.title,
            "body": body,
            "data": data(notification),
        });
        payload.to_string()
    };
    fitting(&notification.content.body, most_bytes, payload).into_bytes()
}

/// What a webhook gets, as Standard Webhooks recommends: `type`, `timestamp`, `data`.
pub fn for_webhook(notification: &Notification) -> Vec<u8> {
    let payload = json!({
        "type": notification.kind,
        "timestamp": notification.created_at,
        "data": {
            "notification_id": notification.id,
            "user_id": notification.user,
            "priority": notification.priority,
            "title": notification.content.title,
            "body": notification.content.body,
            "data": data(notification),
        },
    });
    payload.to_string().into_bytes()
}

/// What a phone gets: the template's own text, or title and body.
pub fn sms_text(notification: &Notification) -> String {
    let content = &notification.content;
    let text = content.sms.clone().unwrap_or_else(|| match content.title.is_empty() {
        true => content.body.clone(),
        false => format!("{}: {}", content.title, content.body),
    });
    if text.len() <= MOST_SMS_BYTES { text } else { shortened(&text, MOST_SMS_BYTES - '…'.len_utf8()) }
}

fn data(notification: &Notification) -> Value {
    notification.data.as_deref().and_then(|data| serde_json::from_str(data).ok()).unwrap_or_else(|| json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Rendered;

    const NOW: Instant = Instant::from_seconds(1_800_000_000);

    fn notification(body: &str) -> Notification {
        Notification {
            tenant: "acme".into(),
            id: "n1".into(),
            user: "ada".into(),
            kind: "order_shipped".into(),
            priority: Priority::High,
            channels: Vec::new(),
            content: Rendered::plain("Shipped", body),
            template: None,
            data: Some("{\"order\":7,\"type\":\"x\",\"carrier\":\"dhl\"}".into()),
            collapse_key: Some("order-7".into()),
            fallback: None,
            digest: false,
            created_at: Instant::from_seconds(1_800_000_000),
            send_at: None,
            expires_at: None,
            canceled_at: None,
            purge_at: 0,
        }
    }

    #[test]
    fn a_push_is_json_in_json_for_its_platform() {
        let message = for_push(&notification("On its way"), Platform::Apns, NOW);
        let apns: Value = serde_json::from_str(message["APNS"].as_str().unwrap()).unwrap();
        assert_eq!(apns["aps"]["alert"], json!({"title": "Shipped", "body": "On its way"}));
        assert_eq!((&apns["data"]["order"], message.get("GCM")), (&json!(7), None));
        let message = for_push(&notification("On its way"), Platform::Fcm, NOW);
        let fcm: Value = serde_json::from_str(message["GCM"].as_str().unwrap()).unwrap();
        let fcm = &fcm["fcmV1Message"]["message"];
        let texts = json!({"notification_id": "n1", "type": "order_shipped", "order": "7", "carrier": "dhl"});
        assert_eq!(fcm["data"], texts, "all texts, and what is ours is not overwritten");
        assert_eq!(fcm["android"], json!({"priority": "high", "collapse_key": "order-7"}));
        let brief =
            Notification { expires_at: Some(Instant::from_seconds(1_800_000_090)), ..notification("On its way") };
        let message = for_push(&brief, Platform::Fcm, NOW);
        assert!(message["GCM"].as_str().is_some_and(|text| text.contains("\"ttl\":\"90s\"")), "{message}");
    }

    #[test]
    fn what_is_too_long_is_shortened_and_never_cut_in_a_character() {
        for body in ["x".repeat(5000), "\"".repeat(5000), "😀".repeat(3000), "ä…".repeat(2000)] {
            for platform in [Platform::Apns, Platform::Fcm] {
                let message = for_push(&notification(&body), platform, NOW);
                let text = message[platform.name()].as_str().unwrap();
                assert!(text.len() <= MOST_PUSH_BYTES && text.contains('…'), "{}", text.len());
            }
            let browser = for_browser(&notification(&body), 3993);
            assert!(browser.len() <= 3993 && serde_json::from_slice::<Value>(&browser).is_ok());
            assert!(sms_text(&notification(&body)).len() <= MOST_SMS_BYTES);
        }
    }
}
