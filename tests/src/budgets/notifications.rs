//! What the operations of notifications cost.

use notifications::{App, system};
use testkit::{Worlds, budgets};

const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// An operation is a line and the `budget` line behind it, which may name it.
const OPERATIONS: &str = "
    alice PUT    /templates/shipped {default_locale: en, locales: {en: {title: 'Order {{id}}', body: 'has shipped'}}}  201
    budget a template
    alice PUT    /templates/shipped {default_locale: en, locales: {en: {title: 'Order {{id}}', body: 'has shipped'}}}  200
    budget the same again
    alice GET    /templates/shipped  200
    budget
    alice GET    /templates  200
    budget
    alice GET    /templates/shipped/stats  200
    budget
    alice POST   /templates/shipped/preview {payload: {id: 7}}  200
    budget
    alice GET    /users/ada/preferences  200
    budget
    alice PUT    /users/ada/preferences {channels: {push: false}}  200
    budget
    alice POST   /users/ada/addresses {channel: email, email: ada@example.com}  201
    budget a mailbox that gets a mail to confirm; a sandbox's first, so its limit's policy too
    alice POST   /users/ada/addresses {channel: email, email: ada@example.com, verified: true}  201 {address_id: $mail}
    budget a mailbox
    alice POST   /users/ada/addresses {channel: sms, phone: '+14155550100'}  201 {address_id: $phone}
    budget a phone
    alice POST   /users/ada/addresses {channel: webhook, url: 'https://hooks.example/'}  201 {address_id: $hook}
    alice POST   /users/ada/addresses/$hook/secret  200
    budget
    alice DELETE /users/ada/addresses/$hook  204
    budget
    alice PUT    /users/ada/addresses/none/token {token: x}  404
    budget no such device (of a device a write and a call to SNS more)
    alice GET    /users/ada/addresses  200
    budget
    alice POST   /notifications {user_id: ada, type: news, title: a, body: b}  202 {notification_id: $one}
    alice POST   /notifications {user_id: ada, type: news, title: a, body: b}  202
    budget to a mailbox, a phone and the inbox
    alice POST   /notifications {user_id: ada, type: news, title: a, body: b, channels: [in_app]}  202
    budget to the inbox
    alice POST   /notifications {user_id: ada, type: news, template: shipped, payload: {id: 7}, channels: [email], collapse_key: k} [Idempotency-Key: k1]  202
    budget of a template, with an idempotency record and a collapse key
    alice POST   /notifications {user_id: ada, type: news, title: a, body: b, channels: [in_app], send_at: '2027-01-16T00:00:00Z'}  202 {notification_id: $later}
    budget for later
    alice POST   /notifications/batch {notifications: [{user_id: eve, type: news, title: a, body: b, channels: [in_app]}]}  200
    budget each, all at the same time
    alice GET    /notifications/$one  200
    budget
    alice DELETE /notifications/$later  204
    budget
    stream forward_urgent
    budget nothing of it is urgent
    stream forward_rest
    budget nine deliveries
    alice POST   /notifications {user_id: bob, type: news, title: a, body: b, channels: [in_app]}  202 {notification_id: $item}
    queue deliver
    stream forward_rest
    queue deliver
    budget one to the inbox
    alice PATCH  /users/bob/inbox/$item {read: true}  200
    budget
    alice GET    /users/bob/inbox  200
    budget
    alice GET    /users/bob/inbox/count  200
    budget
    alice POST   /notifications {user_id: ada, type: news, title: a, body: b, channels: [email]}  202
    stream forward_rest
    queue deliver
    budget one mail
    alice POST   /notifications {user_id: ada, type: news, title: a, body: b, channels: [sms]}  202
    stream forward_rest
    queue deliver
    budget one text message
    alice GET    /web-push/key  200
    budget
    alice PUT    /topics/releases/subscribers/bob  204
    budget
    alice GET    /topics/releases/subscribers  200
    budget
    alice POST   /notifications {topic: releases, type: news, title: a, body: b, channels: [in_app]}  202 {notification_id: $topic}
    budget to a topic
    stream forward_rest
    queue expand_fan_out
    budget ~ sixteen parts of a topic, one subscriber
    alice POST   /notifications {recipients: [r1, r2, r3, r4, r5], type: news, title: a, body: b, channels: [in_app]}  202
    budget to five recipients
    stream forward_rest
    queue expand_fan_out
    budget five recipients
    alice GET    /notifications/$topic  200
    budget of one to many
    alice POST   /audiences {bytes: 3}  200 {audience_id: $file, upload_url: $url}
    budget (signs the call that the caller makes)
    upload $url ada
    alice POST   /broadcasts {audience_id: $file, type: news, title: a, body: b, channels: [in_app]}  202 {notification_id: $broadcast}
    budget
    stream forward_rest
    queue expand_fan_out
    budget a page of a file, one user
    alice POST   /broadcasts {audience_id: $file, type: news, title: a, body: b, channels: [in_app]}  202 {notification_id: $paused}
    alice POST   /notifications/$paused/pause  200
    budget
    alice POST   /notifications/$paused/resume  200
    budget
    alice DELETE /topics/releases/subscribers/bob  204
    budget
    alice POST   /users/bob/inbox/token  200 {token: $token}
    budget
    invoke on_connect {requestContext: {connectionId: c1, routeKey: '$connect', connectedAt: 1800000000000}, queryStringParameters: {inbox_token: $token}}  {statusCode: 200}
    budget the first of a user
    invoke on_ping {requestContext: {connectionId: c1, routeKey: '$default', connectedAt: 1800000000000}, body: ping}  {statusCode: 200}
    budget
    invoke on_disconnect {requestContext: {connectionId: c1, routeKey: '$disconnect', connectedAt: 1800000000000}}  {statusCode: 200}
    budget
    anon  GET    /verify/none  404
    budget
    anon  POST   /verify/none  404
    budget no such link (else a read and two writes)
    anon  GET    /unsubscribe/none  404
    budget
    anon  POST   /unsubscribe/none  404
    budget no such link (else a read and a write)
    alice POST   /notifications {user_id: ada, type: news, title: a, body: b, channels: [in_app], priority: high, send_at: '2027-01-16T00:00:00Z'}  202
    schedule sweep_due
    budget nothing due
    invoke take_feedback {Records: [{messageId: a, body: '{\"Message\": \"{\\\"eventType\\\": \\\"Delivery\\\", \\\"mail\\\": {\\\"timestamp\\\": \\\"2027-01-15T08:00:00Z\\\", \\\"tags\\\": {\\\"tenant\\\": [\\\"YQ\\\"], \\\"notification\\\": [\\\"YQ\\\"], \\\"address\\\": [\\\"YQ\\\"]}}}\"}'}]}  {batchItemFailures: []}
    budget an arrival
    invoke take_statuses {awslogs: {data: 'H4sIAAAAAAACA41Ty27bMBD8FYLXRjGphx+5GbYb5ODWqO1TFRQUuYqJSJRAUg4Mw/9eriQkRk8VdBB3dmdnZ8UrrcE58QaHSwv0idD18rD8s93s98vnDX0gtPkwYBHgcZJm09l8wXiMQNW8PdumaxFzxk06F4FwPuKT+8zJWluQftcVlXanQ7M7NQZ+dHURSAeSvbcgamQRvIhlgmHXFU5a3XrdmO+68mBdSPhNFZwj03hdaikQc5GrHX0diDZnML7Pu1KtkDCZ30v5/y+U4HUwxosa5+OzRRZnWcwQDdhoGba45vReUB5iITQmvCg85zRJ1aJIGYvkVKkoS9M0msdMRWUBBSt5maWyzEPT/KvrUBizeBpxHsUZ4eyJ4fsYJOT0hskKKn0GexmbtmjtSlirwQ7l2wvp/SafUSyrjUQ4njE8mX4XP8vtIHknrHcI86GD89p8TpbTbzzlWXgYZ2xga62W8GKO+zVmsEfGpmmGQNgM/lND3cEK44REIlGNMmQvI+FsoGnOWoH9Ba4Nex3LRlHkJBwpAAwRUkLrQZHiQvp5ibwfTX1AVR2Ch9t+hmyx+Cd6NF5XazgHzUv53s+ZpGnvZrDdd27ouz+uVuEKBJ/p7fX2F3xgLuQkAwAA'}}
    budget a line of nobody here
    invoke take_requests {Records: [{messageId: a, body: '{\"source\": \"almanac.x\", \"detail\": {\"v\": 1, \"id\": \"x\", \"tenant\": \"alice\", \"user_id\": \"account\", \"type\": \"news\", \"title\": \"t\", \"body\": \"b\"}}'}]}  {batchItemFailures: []}
    budget one
    anon GET /health        200
    budget
    anon GET /openapi.json  200
    budget
    anon GET /docs          200
    budget
    anon GET /nowhere       404
    budget
";

#[test]
fn notifications_keeps_its_budgets() {
    budgets(&WORLDS, &[OPERATIONS]);
}
