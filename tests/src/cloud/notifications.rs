//! Notifications deployed: from the API through the stream and the queues to what the local cloud's SES and SNS took.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Cloud, eventually, upload};

use super::fresh;
use super::probe::Client;

const LIMIT: Duration = Duration::from_secs(60);
const SCOPES: [&str; 7] = [
    "broadcasts:send",
    "notifications:send",
    "notifications:read",
    "users:write",
    "users:read",
    "templates:write",
    "templates:read",
];

struct Tenant {
    cloud: Cloud,
    name: String,
    key: String,
}

impl Tenant {
    fn new() -> Result<Self> {
        let (cloud, name) = (Cloud::connect()?, fresh("tenant"));
        let key = cloud.key(&name, &SCOPES)?;
        Ok(Self { cloud, name, key })
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.cloud.call("notifications", method, path, Some(&self.key), body)?;
        ensure!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    fn send(&self, notification: &Value) -> Result<String> {
        let mut whole = json!({"user_id": "ada", "type": "order_shipped", "title": "Shipped", "body": "On its way"});
        whole.as_object_mut().context("an object")?.extend(notification.as_object().cloned().unwrap_or_default());
        let sent = self.call("POST", "/notifications", Some(&whole))?;
        sent["notification_id"].as_str().map(str::to_owned).context("an id")
    }

    /// Waits until nothing of a notification waits any more.
    fn done(&self, id: &str) -> Result<Value> {
        eventually("a notification to be delivered", LIMIT, || {
            let shown = self.call("GET", &format!("/notifications/{id}"), None)?;
            Ok((shown["state"] != "pending").then_some(shown))
        })
    }
}

/// Mails that the local cloud took for this address.
fn mails(cloud: &Cloud, to: &str) -> Result<Vec<Value>> {
    let all = cloud.rest("ses", "GET", "/_ministack/ses/messages", None)?;
    let all = all["messages"].as_object().into_iter().flatten().flat_map(|(_, of)| of.as_array().into_iter().flatten());
    Ok(all.filter(|mail| mail["To"] == json!([to])).cloned().collect())
}

#[test]
fn a_mail_a_text_message_and_an_item_of_the_inbox_arrive() -> Result<()> {
    let tenant = Tenant::new()?;
    let (mailbox, phone) = (format!("{}@example.com", fresh("ada").to_lowercase()), phone());
    for address in
        [json!({"channel": "email", "email": mailbox, "verified": true}), json!({"channel": "sms", "phone": phone})]
    {
        tenant.call("POST", "/users/ada/addresses", Some(&address))?;
    }
    let id = tenant.send(&json!({"priority": "high"}))?;
    let shown = tenant.done(&id)?;
    assert_eq!(shown["state"], "delivered", "{shown}");
    let found = mails(&tenant.cloud, &mailbox)?;
    assert_eq!((found.len(), &found[0]["Subject"]), (1, &json!("Shipped")));
    ensure!(found[0]["BodyText"].as_str().is_some_and(|text| text.contains("On its way")), "{found:?}");
    let path = format!("/_ministack/sns/sms-messages?phoneNumber={}", phone.replace('+', "%2B"));
    let texts = tenant.cloud.rest("sns", "GET", &path, None)?;
    assert_eq!(texts["sms_messages"][&phone][0]["Message"], "Shipped: On its way");
    assert_eq!(tenant.call("GET", "/users/ada/inbox/count", None)?, json!({"unseen": 1, "unread": 1}));
    Ok(())
}

fn phone() -> String {
    let digits = u32::from_be_bytes(types::random::bytes()) % 10_000_000;
    format!("+1415{digits:07}")
}

#[test]
fn a_push_goes_to_an_endpoint_of_the_stages_application() -> Result<()> {
    let tenant = Tenant::new()?;
    let name = format!("{}-notifications", tenant.cloud.stage());
    let create = format!(
        "/?Action=CreatePlatformApplication&Name={name}&Platform=GCM&Attributes.entry.1.key=PlatformCredential\
         &Attributes.entry.1.value=x&Version=2010-03-31"
    );
    tenant.cloud.rest("sns", "GET", &create, None)?;
    let device = json!({"channel": "push", "platform": "fcm", "token": fresh("device")});
    let made = tenant.call("POST", "/users/ada/addresses", Some(&device))?;
    let id = tenant.send(&json!({"channels": ["push"], "priority": "critical"}))?;
    let shown = tenant.done(&id)?;
    assert_eq!((&shown["state"], &shown["deliveries"][0]["provider"]), (&json!("delivered"), &json!("sns-push")));
    let path = format!("/users/ada/addresses/{}", made["address_id"].as_str().unwrap_or_default());
    tenant.call("PUT", &format!("{path}/token"), Some(&json!({"token": fresh("device")})))?;
    tenant.call("DELETE", &path, None).map(drop)
}

/// The schedule looks each minute; here it is invoked too.
#[test]
fn what_is_due_later_is_swept_and_low_waits_in_its_own_queue() -> Result<()> {
    let tenant = Tenant::new()?;
    let soon = types::Clock::system().now() + Duration::from_secs(1);
    let id = tenant.send(&json!({"channels": ["in_app"], "send_at": soon, "priority": "low"}))?;
    let shown = eventually("what is due to be swept and delivered", LIMIT, || {
        tenant.cloud.invoke("notifications/sweep_due", &json!({}))?;
        let shown = tenant.call("GET", &format!("/notifications/{id}"), None)?;
        Ok((shown["state"] != "pending").then_some(shown))
    })?;
    assert_eq!(shown["state"], "delivered");
    Ok(())
}

#[test]
fn a_bounce_that_the_topic_tells_is_noted() -> Result<()> {
    let tenant = Tenant::new()?;
    let mailbox = format!("{}@example.com", fresh("ada").to_lowercase());
    let address = json!({"channel": "email", "email": mailbox, "verified": true});
    let made = tenant.call("POST", "/users/ada/addresses", Some(&address))?;
    let id = tenant.send(&json!({"channels": ["email"]}))?;
    tenant.done(&id)?;
    let tag = |text: &str| json!([base64url(text)]);
    let address = made["address_id"].as_str().unwrap_or_default();
    let tags = json!({"tenant": tag(&tenant.name), "notification": tag(&id), "address": tag(address)});
    let mail = json!({"timestamp": "2026-11-25T08:00:01.000Z", "messageId": "m-1", "tags": tags});
    let bounce = json!({"bounceType": "Permanent", "bounceSubType": "General"});
    let event = json!({"eventType": "Bounce", "mail": mail, "bounce": bounce}).to_string();
    let event: String = url::form_urlencoded::byte_serialize(event.as_bytes()).collect();
    let topic = format!("arn:aws:sns:us-east-1:000000000000:{}-notifications-events", tenant.cloud.stage());
    let publish = format!("/?Action=Publish&TopicArn={topic}&Message={event}&Version=2010-03-31");
    tenant.cloud.rest("sns", "GET", &publish, None)?;
    eventually("the bounce to be noted", LIMIT, || {
        let listed = tenant.call("GET", "/users/ada/addresses", None)?;
        Ok((listed["items"][0]["state"] == "bounced").then_some(()))
    })
}

fn base64url(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[test]
fn an_event_on_the_bus_becomes_a_notification() -> Result<()> {
    let tenant = Tenant::new()?;
    let detail = json!({
        "v": 1, "id": fresh("event"), "tenant": tenant.name, "user_id": "account", "type": "link_expiring",
        "title": "A link expires soon", "body": "hello", "unknown": "is ignored",
    });
    let entry = json!({
        "EventBusName": format!("{}-almanac", tenant.cloud.stage()), "Source": "almanac.test",
        "DetailType": "NotificationRequested", "Detail": detail.to_string(),
    });
    tenant.cloud.aws("events", "AWSEvents.PutEvents", &json!({"Entries": [entry]}))?;
    eventually("the notification to arrive", LIMIT, || {
        let counts = tenant.call("GET", "/users/account/inbox/count", None)?;
        Ok((counts["unread"] == 1).then_some(()))
    })
}

#[test]
fn a_topics_subscribers_and_named_recipients_are_told() -> Result<()> {
    let tenant = Tenant::new()?;
    for user in ["ada", "grace"] {
        tenant.call("PUT", &format!("/topics/releases/subscribers/{user}"), None)?;
    }
    let news = json!({"type": "news", "title": "Released", "body": "at last", "channels": ["in_app"]});
    for to in [json!({"topic": "releases"}), json!({"recipients": ["ada", "grace", "eve"]})] {
        let mut whole = news.clone();
        whole.as_object_mut().context("an object")?.extend(to.as_object().cloned().unwrap_or_default());
        tenant.call("POST", "/notifications", Some(&whole))?;
    }
    for (user, unread) in [("ada", 2), ("grace", 2), ("eve", 1)] {
        eventually("everybody to be told", LIMIT, || {
            let counts = tenant.call("GET", &format!("/users/{user}/inbox/count"), None)?;
            Ok((counts["unread"] == unread).then_some(()))
        })?;
    }
    Ok(())
}

/// The emulator's SNS writes no delivery status, so the test does, where the stack listens.
#[test]
fn what_sns_logs_of_a_text_message_is_noted() -> Result<()> {
    let tenant = Tenant::new()?;
    let phone = phone();
    tenant.call("POST", "/users/ada/addresses", Some(&json!({"channel": "sms", "phone": phone})))?;
    let id = tenant.send(&json!({"channels": ["sms"]}))?;
    let shown = tenant.done(&id)?;
    let group = json!("sns/us-east-1/000000000000/DirectPublishToPhoneNumber");
    let stream = json!(fresh("stream"));
    let names = json!({"logGroupName": group, "logStreamName": stream});
    tenant.cloud.aws("logs", "Logs_20140328.CreateLogStream", &names)?;
    let line = json!({
        "notification": {"messageId": shown["deliveries"][0]["provider_id"], "timestamp": "2026-11-25 10:00:00.123"},
        "delivery": {"destination": phone, "providerResponse": "Message has been accepted by phone carrier"},
        "status": "SUCCESS",
    });
    let now = types::Clock::system().now().millis();
    let mut put = names;
    put["logEvents"] = json!([{"timestamp": now, "message": line.to_string()}]);
    tenant.cloud.aws("logs", "Logs_20140328.PutLogEvents", &put)?;
    eventually("the delivery to be noted as delivered", LIMIT, || {
        let shown = tenant.call("GET", &format!("/notifications/{id}"), None)?;
        Ok((shown["deliveries"][0]["state"] == "delivered").then_some(()))
    })
}

#[test]
fn everybody_whom_an_audience_file_names_is_told() -> Result<()> {
    let tenant = Tenant::new()?;
    let file: String = (0..230).map(|n| format!("user-{n}\n")).collect();
    let made = tenant.call("POST", "/audiences", Some(&json!({"bytes": file.len()})))?;
    assert_eq!(upload(made["upload_url"].as_str().context("a URL")?, &file)?, 200);
    let news = json!({
        "audience_id": made["audience_id"], "type": "news", "title": "Released", "body": "at last",
        "channels": ["in_app"], "send_at": "2099-01-01T00:00:00Z",
    });
    ensure!(tenant.call("POST", "/broadcasts", Some(&news)).is_err(), "more than a year ahead");
    let mut now = news.clone();
    now.as_object_mut().context("an object")?.remove("send_at");
    let sent = tenant.call("POST", "/broadcasts", Some(&now))?;
    let path = format!("/notifications/{}", sent["notification_id"].as_str().context("an id")?);
    // Where it is by then is a matter of luck; that it goes on is not.
    let paused = tenant.call("POST", &format!("{path}/pause"), None);
    if paused.is_ok() {
        tenant.call("POST", &format!("{path}/resume"), None)?;
    }
    let shown = eventually("the broadcast to be expanded", LIMIT, || {
        let shown = tenant.call("GET", &path, None)?;
        Ok((shown["state"] == "expanded").then_some(shown))
    })?;
    assert_eq!((&shown["expanded"], &shown["refused"]), (&json!(230), &json!(0)), "{shown}");
    eventually("the last to be told", LIMIT, || {
        let counts = tenant.call("GET", "/users/user-229/inbox/count", None)?;
        Ok((counts["unread"] == 1).then_some(()))
    })
}

#[test]
fn an_inbox_that_is_open_in_a_browser_is_told_at_once() -> Result<()> {
    let tenant = Tenant::new()?;
    let url = tenant.cloud.socket_url("notifications")?.to_owned();
    ensure!(Client::open(&format!("{url}?inbox_token=none"), None).is_err(), "without a token");
    let made = tenant.call("POST", "/users/ada/inbox/token", None)?;
    let token = made["token"].as_str().with_context(|| made.to_string())?;
    let mut browser = Client::open(&format!("{url}?inbox_token={token}"), None)?;
    browser.say("ping")?;
    let heard: Value = serde_json::from_str(&browser.hear()?)?;
    assert_eq!(heard["counts"], json!({"unseen": 0, "unread": 0}));
    let id = tenant.send(&json!({"channels": ["in_app"]}))?;
    let mut items = Vec::new();
    while items.is_empty() {
        let heard: Value = serde_json::from_str(&browser.hear()?)?;
        items.extend(Some(heard).filter(|heard| heard["event"] == "item"));
    }
    assert_eq!(items[0]["item"]["notification_id"], json!(id));
    Ok(())
}

#[test]
fn what_no_route_takes_is_a_problem() -> Result<()> {
    let cloud = Cloud::connect()?;
    let answer = cloud.call("notifications", "PATCH", "/notifications", None, None)?;
    ensure!(answer.status == 405 && answer.headers["allow"] == "POST", "{answer:?}");
    Ok(())
}
