use proptest::prelude::*;

use super::*;
use crate::domain::{
    Address, AddressState, Delivery, DeliveryState, NotificationState, Others, Sight, Step, Target, TypePreferences,
};

fn item(number: usize, title: &str, body: &str) -> DigestItem {
    DigestItem {
        tenant: "acme".into(),
        user: "ada".into(),
        until: Instant::from_seconds(1_800_000_000),
        notification: format!("n{number}"),
        kind: "news".into(),
        title: title.into(),
        body: body.into(),
        created_at: Instant::from_seconds(1_799_990_000),
        purge_at: 0,
    }
}

fn notification(priority: Priority) -> Notification {
    Notification {
        tenant: "acme".into(),
        id: "n1".into(),
        user: "ada".into(),
        kind: "news".into(),
        priority,
        channels: Vec::new(),
        content: Rendered::plain("t", &"ä".repeat(400)),
        template: None,
        data: None,
        collapse_key: None,
        fallback: None,
        digest: false,
        created_at: Instant::from_seconds(0),
        send_at: None,
        expires_at: None,
        canceled_at: None,
        purge_at: 0,
    }
}

fn read(json: &str) -> Preferences {
    serde_json::from_str(json).unwrap()
}

#[test]
fn wishes_are_held_to_what_there_is() {
    for (wish, right) in [
        (r#"{"every": "daily", "at": "08:00"}"#, true),
        (r#"{"every": "weekly", "at": "08:00", "weekday": "friday", "channels": ["email"]}"#, true),
        (r#"{"every": "weekly", "at": "08:00"}"#, true),
        (r#"{"every": "daily", "at": "08:00", "weekday": "friday"}"#, false),
        (r#"{"every": "daily", "at": "08:00", "channels": ["push"]}"#, false),
        (r#"{"every": "daily", "at": "08:00", "channels": []}"#, false),
        (r#"{"every": "daily", "at": "08:00", "channels": ["email", "email"]}"#, false),
    ] {
        let wishes = read(&format!(r#"{{"digest": {wish}}}"#));
        assert_eq!(wishes.validate().is_ok(), right, "{wish}");
    }
    for wish in
        [r#"{"every": "hourly", "at": "08:00"}"#, r#"{"every": "daily", "at": "8:00"}"#, r#"{"every": "daily"}"#]
    {
        assert!(serde_json::from_str::<Preferences>(&format!(r#"{{"digest": {wish}}}"#)).is_err(), "{wish}");
    }
}

#[test]
fn only_mails_that_can_wait_do() {
    let mut wishes = read(r#"{"digest": {"every": "daily", "at": "08:00"}, "time_zone": "Europe/Berlin"}"#);
    let now = "2027-01-15T06:59:59Z".parse().unwrap();
    let eight: Instant = "2027-01-15T07:00:00Z".parse().unwrap();
    let until = |wishes: &Preferences, it: &Notification, channel| wishes.digest_until(it, channel, now);
    let normal = notification(Priority::Normal);
    assert_eq!(until(&wishes, &normal, Channel::Email), Some(eight));
    assert_eq!(until(&wishes, &notification(Priority::Low), Channel::Email), Some(eight));
    assert_eq!(until(&wishes, &notification(Priority::High), Channel::Email), None);
    assert_eq!(until(&wishes, &notification(Priority::Critical), Channel::Email), None);
    assert_eq!(until(&wishes, &normal, Channel::Push), None);
    assert_eq!(until(&wishes, &Notification { digest: true, ..normal.clone() }, Channel::Email), None, "a digest");
    let stale = Notification { expires_at: Some(eight), ..normal.clone() };
    assert_eq!(until(&wishes, &stale, Channel::Email), None);
    let next = "2027-01-16T07:00:00Z".parse().ok();
    assert_eq!(wishes.digest_until(&normal, Channel::Email, eight), next);
    wishes.types.insert("news".into(), TypePreferences { digest: false, ..TypePreferences::default() });
    assert_eq!(until(&wishes, &normal, Channel::Email), None);
    let weekly = read(r#"{"digest": {"every": "weekly", "at": "08:00", "weekday": "thursday"}}"#);
    assert_eq!(until(&weekly, &normal, Channel::Email), "2027-01-21T08:00:00Z".parse().ok());
    assert_eq!(DigestItem::of(&normal, eight).body.chars().count(), 301);
}

#[test]
fn the_built_in_template_is_one_and_speaks_its_languages() {
    built_in().unwrap().validate().unwrap();
    let items: Vec<_> = (0..3).map(|number| item(number, &format!("Title {number}"), "<b>")).collect();
    for (locale, said) in [("en-GB", "3 notifications"), ("de", "3 Benachrichtigungen"), ("pl", "3 notifications")] {
        let (rendered, own) = render(None, Some(&locale.parse().unwrap()), &items, 3).unwrap();
        assert_eq!((rendered.title.as_str(), own), (said, false));
        let (html, text) = (rendered.html.unwrap(), rendered.text.unwrap());
        assert!(html.contains("Title 2") && html.contains("&lt;b&gt;") && !html.contains("more"), "{html}");
        assert!(text.contains("Title 0\n<b>"), "{text}");
    }
    let (rendered, _) = render(None, None, &items[..1], 1).unwrap();
    assert_eq!(rendered.title, "One notification");
    let many: Vec<_> = (0..250).map(|number| item(number, "t", "b")).collect();
    let text = render(None, None, &many, 250).unwrap().0.text.unwrap();
    assert!(text.contains("and 150 more") && text.matches("t\nb\n").count() == MOST_LISTED, "{text}");
}

#[test]
fn a_tenants_own_template_has_the_count_and_the_items() {
    let own = |title: &str| -> Template {
        let body = "{% for item in items %}{{ item.type }} {{ item.created_at }} {% endfor %}";
        let content = json!({"title": title, "body": body});
        serde_json::from_value(json!({"default_locale": "en", "locales": {"en": content}})).unwrap()
    };
    let items = [item(1, "one", "b")];
    let (rendered, by_own) = render(Some(&own("{{ count }}: {{ items[0].title }}")), None, &items, 7).unwrap();
    assert_eq!(
        (rendered.title.as_str(), rendered.body.as_str(), by_own),
        ("7: one", "news 2027-01-15T05:13:20Z ", true)
    );
    let (rendered, by_own) = render(Some(&own("{{ nobody }}")), None, &items, 7).unwrap();
    assert_eq!((rendered.title.as_str(), by_own), ("7 notifications", false), "one that needs more does not stop it");
}

#[test]
fn a_worker_collects_what_was_not_tried_yet_and_asks_for_no_more_mail() {
    let (until, now) = (Instant::from_seconds(1_800_003_600), Instant::from_seconds(1_800_000_000));
    let mut preferences = read(r#"{"digest": {"every": "daily", "at": "09:00"}}"#);
    let notification = Notification { channels: vec![Channel::Email], ..notification(Priority::Normal) };
    let address = Address {
        tenant: "acme".into(),
        user: "ada".into(),
        id: "a".into(),
        target: Target::Email { email: "ada@example.com".into() },
        state: AddressState::Active,
        created_at: now,
        updated_at: now,
        confirmed_at: None,
    };
    let step = |preferences: &Preferences, notification: &Notification, delivery: &Delivery| {
        let (address, others) = (Some(&address), Others::default());
        let brought_for = delivery.due_at;
        Sight { notification, delivery, brought_for, preferences, address, newest: None, others }.step(now)
    };
    let fresh = Delivery::new(&notification, Channel::Email, "a", notification.created_at);
    assert_eq!(step(&preferences, &notification, &fresh), Step::Collect(until));
    let tried = Delivery { attempts: 1, ..fresh.clone() };
    assert_eq!(step(&preferences, &notification, &tried), Step::Send, "it may have arrived");
    let canceled = Notification { canceled_at: Some(now), ..notification.clone() };
    assert_eq!(step(&preferences, &canceled, &fresh), Step::Skip("canceled".into()));
    let digested = Delivery { state: DeliveryState::Digested, ..fresh.clone() };
    assert_eq!(step(&preferences, &notification, &digested), Step::Leave);
    assert_eq!(NotificationState::of(&[digested.clone(), fresh.clone().skipped("x")]), NotificationState::Digested);
    assert_eq!(NotificationState::of(&[digested.clone(), fresh.clone()]), NotificationState::Pending);
    let sent = Delivery { state: DeliveryState::Sent, ..fresh.clone() };
    assert_eq!(NotificationState::of(&[digested, sent]), NotificationState::Delivered);
    preferences = preferences.without(DIGEST, Channel::Email);
    assert_eq!(step(&preferences, &notification, &fresh), Step::Skip("opted-out-digest".into()));
    let high = Notification { priority: Priority::High, ..notification };
    assert_eq!(step(&preferences, &high, &fresh), Step::Send);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever users are told, the mail can be stored and sent.
    #[test]
    fn a_digest_always_renders_and_fits(title in "\\PC{0,200}", body in "\\PC{0,300}", count in 0_usize..300) {
        let items: Vec<_> = (0..count).map(|number| item(number, &title, &body)).collect();
        let (rendered, _) = render(None, None, &items, count).unwrap();
        prop_assert!(bytes(&rendered) <= MOST_BYTES);
    }
}

#[test]
fn the_longest_that_there_can_be_fits() {
    let items: Vec<_> = (0..100).map(|number| item(number, &"\"".repeat(200), &"'".repeat(300))).collect();
    let rendered = render(None, None, &items, 100).unwrap().0;
    assert!(rendered.html.unwrap().contains("more"), "it lists fewer");
}

#[test]
fn a_task_is_read_as_what_it_is() {
    let errand = item(1, "t", "b").errand();
    let task = Task::Digest(errand.clone());
    let json = serde_json::to_string(&task).unwrap();
    assert_eq!(serde_json::from_str::<Task>(&json).unwrap(), task);
    assert_eq!(task.priority(), Priority::Normal);
    let one = crate::domain::Delivery::new(&notification(Priority::Low), Channel::Email, "a", errand.until).errand();
    let json = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<Task>(&json).unwrap(), Task::Delivery(one));
}
