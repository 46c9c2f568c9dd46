//! Notifications, as their documentation would tell them.

mod addresses;
mod broadcasts;
mod channels;
mod delivery;
mod devices;
mod digests;
mod fan_out;
mod feedback;
mod inbox;
mod leases;
mod live;
mod providers;
mod statuses;
mod topics;

use notifications::{App, system};
use serde_json::json;
use testkit::{Worlds, play};

use crate::cloud::access::{Case, case};

pub(crate) const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// How the deployed routes are called by the right tenant and by another one; `{id}` is a notification of the right
/// one's that waits for tomorrow.
pub(crate) fn access() -> Vec<Case> {
    let notification = json!({"user_id": "matrix", "type": "news", "title": "Hello", "body": "there"});
    let template = json!({"default_locale": "en", "locales": {"en": {"title": "Hello", "body": "{{ name }}"}}});
    let address = json!({"channel": "sms", "phone": "+14155550100"});
    let broadcast = json!({"audience_id": "none", "type": "news", "title": "Hello", "body": "there"});
    let link = "/unsubscribe/AAAA";
    vec![
        case("create_notification", "/notifications", Some(notification.clone()), 202, 202),
        case("create_notifications", "/notifications/batch", Some(json!({"notifications": [notification]})), 200, 200),
        case("create_audience", "/audiences", Some(json!({"bytes": 4})), 200, 200),
        case("create_broadcast", "/broadcasts", Some(broadcast), 404, 404),
        case("pause_notification", "/notifications/{id}/pause", None, 409, 404),
        case("resume_notification", "/notifications/{id}/resume", None, 409, 404),
        case("get_notification", "/notifications/{id}", None, 200, 404),
        case("cancel_notification", "/notifications/{id}", None, 204, 404),
        case("get_preferences", "/users/matrix/preferences", None, 200, 200),
        case("put_preferences", "/users/matrix/preferences", Some(json!({"locale": "en"})), 200, 200),
        case("create_address", "/users/matrix/addresses", Some(address), 201, 201),
        case("list_addresses", "/users/matrix/addresses", None, 200, 200),
        case("delete_address", "/users/matrix/addresses/none", None, 404, 404),
        case("refresh_token", "/users/matrix/addresses/none/token", Some(json!({"token": "x"})), 404, 404),
        case("rotate_secret", "/users/matrix/addresses/none/secret", None, 404, 404),
        case("list_inbox", "/users/matrix/inbox", None, 200, 200),
        case("count_inbox", "/users/matrix/inbox/count", None, 200, 200),
        case("create_inbox_token", "/users/matrix/inbox/token", None, 200, 200),
        case("mark_item", "/users/matrix/inbox/none", Some(json!({"read": true})), 404, 404),
        case("list_subscribers", "/topics/matrix/subscribers", None, 200, 200),
        case("put_subscriber", "/topics/matrix/subscribers/matrix", None, 204, 204),
        case("delete_subscriber", "/topics/matrix/subscribers/none", None, 204, 204),
        case("list_templates", "/templates", None, 200, 200),
        case("get_template", "/templates/matrix", None, 200, 404),
        case("get_template_stats", "/templates/matrix/stats", None, 200, 404),
        case("put_template", "/templates/other", Some(template), 200, 201),
        case("preview_template", "/templates/matrix/preview", Some(json!({"payload": {"name": "Ada"}})), 200, 404),
        case("get_web_push_key", "/web-push/key", None, 200, 200),
        case("show_verification", "/verify/AAAA", None, 404, 404),
        case("verify_address", "/verify/AAAA", None, 404, 404),
        case("show_unsubscribe", link, None, 404, 404),
        case("unsubscribe", link, None, 404, 404),
        case("check_health", "/health", None, 200, 200),
    ]
}

#[track_caller]
fn check(script: &str) {
    play(&WORLDS, &[("ALLOW_PRIVATE_HOSTS", "true")], script);
}

#[test]
fn it_answers_and_rejects_what_it_does_not_know() {
    check(
        "anon  GET  /health     200 {status: ok}
         anon  GET  /openapi.json  200 {openapi: 3.1.0}
         anon  GET  /docs       200
         anon  GET  /nowhere    404 no-such-route
         anon  POST /health {}  405 method-not-allowed
         anon  GET  /web-push/key  200",
    );
}

#[test]
fn a_notification_goes_to_the_inbox_of_a_user_that_nobody_told_of() {
    check(
        "alice POST /notifications {user_id: ada, type: order_shipped, title: Shipped, body: On its way}  202 {notification_id: $one}
         alice GET  /notifications/$one  200 {notification_id: $one, user_id: ada, type: order_shipped, state: pending, priority: normal}
         bob   GET  /notifications/$one  404 notification-not-found
         stream forward_urgent
         stream forward_rest
         queue deliver 1
         alice GET  /notifications/$one  200 {state: delivered}
         alice GET  /users/ada/inbox  200
         alice GET  /users/ada/inbox/count  200 {unseen: 1, unread: 1}
         bob   GET  /users/ada/inbox/count  200 {unseen: 0, unread: 0}
         bob   GET  /users/ada/inbox  200 {items: []}",
    );
}

#[test]
fn a_repeated_request_is_one_notification() {
    check(
        "alice POST /notifications {user_id: ada, type: news, title: a, body: b} [Idempotency-Key: k1]  202 {notification_id: $one}
         alice POST /notifications {user_id: ada, type: news, title: a, body: b} [Idempotency-Key: k1]  202 {notification_id: $one}
         alice POST /notifications {user_id: ada, type: news, title: a, body: c} [Idempotency-Key: k1]  422 idempotency-key-reused
         stream forward_rest twice
         queue deliver twice
         alice GET  /users/ada/inbox/count  200 {unread: 1}",
    );
}

/// Guide 004 remembers hash(user + type + payload + hour): a repetition at :59 and :00 passes, and the second of two
/// orders that are alike is lost. A key of the caller's own does neither.
#[test]
fn a_repetition_across_the_hour_is_known_and_what_is_merely_alike_is_sent() {
    check(
        "alice POST /notifications {user_id: ada, type: news, title: a, body: b} [Idempotency-Key: k1]  202 {notification_id: $one}
         clock +1h
         alice POST /notifications {user_id: ada, type: news, title: a, body: b} [Idempotency-Key: k1]  202 {notification_id: $one}
         alice POST /notifications {user_id: ada, type: news, title: a, body: b} [Idempotency-Key: k2]  202
         stream forward_rest
         queue deliver 2
         alice GET  /users/ada/inbox/count  200 {unread: 2}",
    );
}

#[test]
fn what_cannot_be_sent_is_refused_with_its_reason() {
    check(
        "alice POST /notifications {user_id: 'a b', type: news, title: a, body: b}  422 user-invalid
         alice POST /notifications {user_id: ada, type: News!, title: a, body: b}  422 type-invalid
         alice POST /notifications {user_id: ada, type: news, title: a}  422 content-invalid
         alice POST /notifications {user_id: ada, type: news, title: '  ', body: b}  422 content-invalid
         alice POST /notifications {user_id: ada, type: news, title: a, body: b, template: x}  422 content-invalid
         alice POST /notifications {user_id: ada, type: news, template: nothing}  404 template-not-found
         alice POST /notifications {user_id: ada, type: news, title: a, body: b, channels: [sms, sms]}  422 channels-invalid
         alice POST /notifications {user_id: ada, type: news, title: a, body: b, channels: [fax]}  422 invalid-body
         alice POST /notifications {user_id: ada, type: news, title: a, body: b, priority: urgent}  422 invalid-body
         alice POST /notifications {user_id: ada, type: news, title: a, body: b, collapse_key: 'a b'}  422 collapse-key-invalid
         alice POST /notifications {user_id: ada, type: news, title: a, body: b, send_at: '2099-01-01T00:00:00Z'}  422 time-invalid
         alice POST /notifications {user_id: ada, type: news, title: a, body: b, expires_at: '2000-01-01T00:00:00Z'}  422 time-invalid
         alice POST /notifications {user_id: ada, type: news, title: a, body: b, fallback: {channel: email}}  422 channels-invalid
         alice(notifications:read) POST /notifications {user_id: ada, type: news, title: a, body: b}  403 insufficient-scope
         alice POST /notifications/batch {notifications: []}  422 batch-invalid",
    );
}

#[test]
fn a_batch_accepts_and_refuses_each_by_itself() {
    check(
        "alice POST /notifications/batch {notifications: [{user_id: ada, type: news, title: a, body: b}, {user_id: '', type: news, title: a, body: b}]} [Idempotency-Key: b1]  200
         alice POST /notifications/batch {notifications: [{user_id: ada, type: news, title: a, body: b}, {user_id: '', type: news, title: a, body: b}]} [Idempotency-Key: b1]  200
         alice POST /notifications/batch {notifications: [{user_id: ada, type: news, title: a, body: b, send_at: '2027-01-16T08:00:00Z'}]}  200
         stream forward_rest
         queue deliver 1
         alice GET /users/ada/inbox/count  200 {unread: 1}",
    );
}

/// Guide 004's template.
#[test]
fn a_template_has_versions_languages_and_refuses_to_be_sent_without_its_variables() {
    check(
        "alice PUT  /templates/order_shipped {default_locale: en, locales: {en: {title: 'Your order {{order_id}} has shipped!', body: 'Track at: {{tracking_url}}'}}}  201 {id: order_shipped, version: 1, variables: [order_id, tracking_url]}
         header etag \"1\"
         alice PUT  /templates/order_shipped {default_locale: en, locales: {en: {title: 'Your order {{order_id}} has shipped!', body: 'Track at: {{tracking_url}}'}}}  200 {version: 1}
         alice PUT  /templates/order_shipped {default_locale: en, locales: {en: {title: 'Order {{order_id}} has shipped!', body: 'Track at: {{tracking_url}}'}, de: {title: 'Bestellung {{order_id}} ist unterwegs!', body: '{{tracking_url}}'}}} [If-Match: \"1\"]  200 {version: 2}
         alice PUT  /templates/order_shipped {default_locale: en, locales: {en: {title: x, body: x}}} [If-Match: \"1\"]  412 precondition-failed
         alice GET  /templates/order_shipped?version=1  200 {version: 1}
         alice GET  /templates/order_shipped  200 {version: 2}
         alice GET  /templates  200
         bob   GET  /templates/order_shipped  404 template-not-found
         alice PUT  /templates/Bad! {default_locale: en, locales: {en: {title: x, body: x}}}  422 template-id-invalid
         alice PUT  /templates/bad {default_locale: en, locales: {en: {title: '{{ x y }}', body: x}}}  422 template-invalid
         alice POST /templates/order_shipped/preview {payload: {order_id: 456}}  422 variables-missing
         alice POST /templates/order_shipped/preview {payload: {order_id: 456, tracking_url: u}, locale: de-AT}  200 {locale: de, version: 2, content: {title: 'Bestellung 456 ist unterwegs!', body: u}}
         alice POST /notifications {user_id: ada, type: order_shipped, template: order_shipped, payload: {order_id: 456}}  422 variables-missing
         alice PUT  /users/ada/preferences {locale: de-CH}  200 {locale: de-CH}
         alice POST /notifications {user_id: ada, type: order_shipped, template: order_shipped, payload: {order_id: 456, tracking_url: u}}  202 {notification_id: $one}
         alice GET  /notifications/$one  200 {title: 'Bestellung 456 ist unterwegs!', template: order_shipped, template_version: 2}",
    );
}

#[test]
fn what_a_user_wants_is_kept_and_checked() {
    check(
        "alice GET  /users/ada/preferences  200 {enabled: true, time_zone: UTC}
         alice PUT  /users/ada/preferences {enabled: false, time_zone: europe/berlin, quiet_hours: {start: '22:00', end: '07:30'}, locale: pt-br}  200 {enabled: false, time_zone: Europe/Berlin, locale: pt-BR}
         alice GET  /users/ada/preferences  200 {enabled: false, quiet_hours: {start: '22:00', end: '07:30'}}
         bob   GET  /users/ada/preferences  200 {enabled: true}
         alice PUT  /users/ada/preferences {time_zone: Mars/Olympus}  422 invalid-body
         alice PUT  /users/ada/preferences {quiet_hours: {start: '22:00', end: '22:00'}}  422 invalid-body
         alice PUT  /users/ada/preferences {types: {Bad!: {enabled: false}}}  422 preferences-invalid
         alice PUT  /users/ada/preferences {color: red}  422 invalid-body
         alice POST /notifications {user_id: ada, type: news, title: a, body: b}  202 {notification_id: $one}
         alice GET  /notifications/$one  200 {state: skipped}
         calls 1",
    );
}

#[test]
fn a_link_that_was_not_made_here_does_nothing() {
    check(
        "anon  GET  /verify/AAAA       404 link-invalid
         anon  POST /verify/AAAA       404 link-invalid
         anon  GET  /unsubscribe/AAAA  404 link-invalid
         anon  POST /unsubscribe/AAAA  404 link-invalid
         alice GET  /templates/none/stats  404 template-not-found",
    );
}
