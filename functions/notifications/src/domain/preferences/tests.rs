use proptest::prelude::*;

use super::*;

fn read(json: &str) -> Preferences {
    serde_json::from_str(json).unwrap()
}

#[test]
fn nothing_said_is_everything_allowed() {
    assert_eq!(read("{}"), Preferences::default());
    for channel in Channel::ALL {
        assert_eq!(Preferences::default().allows("order.shipped", channel), Ok(()));
    }
    let json = r#"{"enabled":true,"time_zone":"UTC"}"#;
    assert_eq!(serde_json::to_string(&Preferences::default()).unwrap(), json);
}

#[test]
fn what_is_stored_is_read_again() {
    let json = r#"{"enabled":false,"channels":{"sms":false,"web_push":true},"types":{
        "news":{"enabled":true,"channels":{"email":false}},"offers":{"enabled":false}},
        "quiet_hours":{"start":"22:00","end":"07:00"},
        "time_zone":"Europe/Berlin","locale":"pt-BR"}"#;
    let json: String = json.split_whitespace().collect();
    assert_eq!(serde_json::to_string(&read(&json)).unwrap(), json);
    for bad in [
        r#"{"enable": true}"#,
        r#"{"channels": {"fax": true}}"#,
        r#"{"types": {"a": {"on": true}}}"#,
        r#"{"time_zone": "Mars"}"#,
        r#"{"locale": "english"}"#,
        r#"{"quiet_hours": {"start": "22:00", "end": "22:00"}}"#,
    ] {
        assert!(serde_json::from_str::<Preferences>(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_most_general_wish_decides() {
    for (json, wish) in [
        (r#"{"types": {"news": {"channels": {"email": false}}}}"#, OptOut::TypeChannel),
        (r#"{"types": {"news": {"enabled": false, "channels": {"email": true}}}}"#, OptOut::Type),
        (r#"{"channels": {"email": false}, "types": {"news": {"channels": {"email": true}}}}"#, OptOut::Channel),
        (r#"{"enabled": false, "channels": {"email": true}, "types": {"news": {"enabled": true}}}"#, OptOut::All),
    ] {
        assert_eq!(read(json).allows("news", Channel::Email), Err(wish), "{json}");
        assert!(wish.name().starts_with("opted-out-"));
    }
    let one = read(r#"{"types": {"news": {"channels": {"email": false}}}}"#);
    assert_eq!((one.allows("news", Channel::Sms), one.allows("orders", Channel::Email)), (Ok(()), Ok(())));
}

#[test]
fn bounds() {
    for (name, good) in [("a", true), ("order.shipped", true), ("0-_.", true), ("", false), (".a", false), ("A", false)]
    {
        assert_eq!(is_type(name), good, "{name}");
    }
    assert_eq!((is_type(&"a".repeat(64)), is_type(&"a".repeat(65)), is_type("ä")), (true, false, false));
    let of = |count: usize| Preferences {
        types: (0..count).map(|n| (format!("t{n}"), TypePreferences::default())).collect(),
        ..Preferences::default()
    };
    assert_eq!((of(100).validate(), of(101).validate().is_err()), (Ok(()), true));
    assert!(read(r#"{"types": {"No": {}}}"#).validate().is_err());
    let full = of(100).without("another", Channel::Email);
    assert_eq!((full.validate(), full.allows("another", Channel::Email)), (Ok(()), Err(OptOut::Channel)));
}

#[test]
fn quiet_hours_hold_back_what_interrupts_and_is_not_critical() {
    let wishes = read(r#"{"quiet_hours": {"start": "22:00", "end": "07:00"}, "time_zone": "Europe/Berlin"}"#);
    let night: Instant = "2026-01-05T23:00:00Z".parse().unwrap();
    let morning = "2026-01-06T06:00:00Z".parse().ok();
    for channel in Channel::ALL {
        let until = morning.filter(|_| channel.interrupts());
        assert_eq!(wishes.quiet_until(channel, false, night), until, "{channel}");
        assert_eq!(wishes.quiet_until(channel, true, night), None, "{channel}");
    }
    assert_eq!(Preferences::default().quiet_until(Channel::Push, false, night), None);
}

#[test]
fn a_locale_has_its_case_and_its_parents() {
    let tags = |text: &str| {
        let locale: Locale = text.parse().unwrap();
        locale.fallbacks().iter().map(Locale::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(tags("PT-br"), "pt-BR pt");
    assert_eq!(tags("ZH-hANT-tw"), "zh-Hant-TW zh-Hant zh");
    assert_eq!((tags("es-419"), tags("sr-latn"), tags("fil")), ("es-419 es".into(), "sr-Latn sr".into(), "fil".into()));
    for bad in ["", "e", "engl", "en-", "-en", "en_US", "en-USA", "en-US-x", "en-US-Latn", "é", "en-12", "en--US"] {
        assert_eq!(bad.parse::<Locale>(), Err(BadLocale), "{bad}");
    }
}

fn channels() -> impl Strategy<Value = BTreeMap<Channel, bool>> {
    let channel = prop::sample::select(Channel::ALL.to_vec());
    prop::collection::btree_map(channel, any::<bool>(), 0..6)
}

fn preferences() -> impl Strategy<Value = Preferences> {
    let wishes =
        (any::<bool>(), channels()).prop_map(|(enabled, channels)| TypePreferences { enabled, channels, digest: true });
    let types = prop::collection::btree_map("[abc]", wishes, 0..3);
    (any::<bool>(), channels(), types).prop_map(|(enabled, channels, types)| Preferences {
        enabled,
        channels,
        types,
        ..Preferences::default()
    })
}

proptest! {
    #[test]
    fn unsubscribing_is_once_and_enables_nothing(
        wishes in preferences(), kind in "[abcd]", channel in prop::sample::select(Channel::ALL.to_vec()),
    ) {
        let after = wishes.clone().without(&kind, channel);
        prop_assert!(after.allows(&kind, channel).is_err());
        prop_assert_eq!(after.validate(), Ok(()));
        prop_assert_eq!(&after.clone().without(&kind, channel), &after);
        for other in ["a", "b", "c", "d"] {
            for by in Channel::ALL {
                let same = after.allows(other, by) == wishes.allows(other, by);
                prop_assert!(same || (other == kind && by == channel), "nothing else is changed");
            }
        }
        // The wish outlives the more general one that forbids the same today.
        let woken = Preferences { enabled: true, channels: BTreeMap::new(), ..after.clone() };
        prop_assert!(woken.allows(&kind, channel).is_err());
        prop_assert_eq!(read(&serde_json::to_string(&after).unwrap()), after);
    }
}
