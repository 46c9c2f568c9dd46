//! Where users can be reached.

use super::check;

#[test]
fn a_phone_is_registered_once_and_only_where_text_messages_go() {
    check(
        "alice POST /users/ada/addresses {channel: sms, phone: '+1 (415) 555-0100'}  201 {address_id: $one, channel: sms, phone: '+14155550100', state: active}
         alice POST /users/ada/addresses {channel: sms, phone: '+14155550100'}  201 {address_id: $one}
         alice POST /users/ada/addresses {channel: sms, phone: '+19005550100'}  422 country-refused
         alice POST /users/ada/addresses {channel: sms, phone: '+442079460958'}  422 country-refused
         alice POST /users/ada/addresses {channel: sms, phone: '4155550100'}  422 address-invalid
         bob   GET  /users/ada/addresses  200 {items: []}
         bob   DELETE /users/ada/addresses/$one  404 address-not-found
         alice DELETE /users/ada/addresses/$one  204
         alice DELETE /users/ada/addresses/$one  404 address-not-found",
    );
}

#[test]
fn a_webhook_has_a_secret_that_is_shown_once_and_rotated() {
    check(
        "alice POST /users/shop/addresses {channel: webhook, url: 'http://127.0.0.1:9/hook'}  201 {address_id: $one, secret: $secret}
         alice POST /users/shop/addresses {channel: webhook, url: 'http://127.0.0.1:9/hook'}  201 {address_id: $one}
         alice POST /users/shop/addresses/$one/secret  200 {secret: $other}
         alice POST /users/shop/addresses {channel: webhook, url: 'ftp://a.example'}  422 address-invalid
         alice POST /users/shop/addresses {channel: web_push, endpoint: 'http://127.0.0.1:9/push', keys: {p256dh: AAAA, auth: AAAA}}  422 address-invalid
         alice PUT  /users/shop/addresses/$one/token {token: abc}  422 address-invalid",
    );
}

/// Nothing private is called, whoever asks for it.
#[test]
fn a_webhook_leads_to_the_public_internet() {
    testkit::play(
        &super::WORLDS,
        &[],
        "alice POST /users/shop/addresses {channel: webhook, url: 'http://a.example/'}  422 address-invalid
         alice POST /users/shop/addresses {channel: webhook, url: 'https://127.0.0.1/'}  422 address-invalid
         alice POST /users/shop/addresses {channel: webhook, url: 'https://169.254.169.254/latest'}  422 address-invalid
         alice POST /users/shop/addresses {channel: webhook, url: 'https://localhost/'}  422 address-invalid
         alice POST /users/shop/addresses {channel: webhook, url: 'https://user:pw@a.example/'}  422 address-invalid
         alice POST /users/shop/addresses {channel: webhook, url: 'https://hooks.example/'}  201",
    );
}

#[test]
fn a_device_needs_an_application_in_sns() {
    check("alice POST /users/ada/addresses {channel: push, platform: fcm, token: abc}  409 push-not-set-up");
}

#[test]
fn a_user_has_twenty_addresses_at_most() {
    let lines: Vec<String> = (0..20)
        .map(|n| format!("alice POST /users/ada/addresses {{channel: sms, phone: '+14155550{n:03}'}}  201"))
        .collect();
    check(&format!(
        "{}
         alice POST /users/ada/addresses {{channel: sms, phone: '+14155559999'}}  409 addresses-full
         alice POST /users/ada/addresses {{channel: sms, phone: '+14155550000'}}  201",
        lines.join("\n")
    ));
}

/// By one tenant, and nine times by all: the mailbox may be a stranger's.
#[tokio::test]
async fn a_mailbox_is_asked_three_times_a_day_and_no_more() -> anyhow::Result<()> {
    let mut world = super::WORLDS.make_with(&[], Some(testkit::Faults::seeded(1))).await?;
    let mailbox = serde_json::json!({"channel": "email", "email": "stranger@example.com"});
    for n in 0..20 {
        let tenant = ["alice", "bob", "carol", "dave"][n / 5];
        let caller = (tenant, "users:write", "enterprise");
        let path = format!("/users/user-{n}/addresses");
        let answer = world.http("POST", &path, &[], Some(&mailbox), Some(caller)).await?;
        assert_eq!(answer["statusCode"], 201, "{answer}");
        assert_eq!(world.sent().len(), [3, 6, 9, 9][n / 5].min(3 * (n / 5) + n % 5 + 1), "of {tenant}");
    }
    Ok(())
}

#[test]
fn a_path_that_is_too_long_for_a_key_leads_nowhere() {
    let long = "x".repeat(2100);
    check(&format!(
        "alice GET    /notifications/{long}  404 notification-not-found
         alice DELETE /notifications/{long}  404 notification-not-found
         alice DELETE /users/ada/addresses/{long}  404 address-not-found
         alice POST   /users/ada/addresses/{long}/secret  404 address-not-found
         alice PATCH  /users/ada/inbox/{long} {{read: true}}  404 item-not-found
         alice GET    /templates/{long}  404 template-not-found
         alice GET    /templates/{long}/stats  404 template-not-found
         alice POST   /notifications {{user_id: ada, type: news, template: {long}}}  404 template-not-found",
    ));
}
