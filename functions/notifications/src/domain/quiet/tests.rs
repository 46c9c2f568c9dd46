use jiff::Zoned;
use proptest::prelude::*;

use super::*;

const NAMES: [&str; 5] =
    ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"];

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn time(text: &str) -> TimeOfDay {
    text.parse().unwrap()
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn quiet(start: &str, end: &str) -> QuietHours {
    QuietHours::new(time(start), time(end)).unwrap()
}

/// The zone's clock, by another way than the code's.
fn clock(zone: &Zone, at: Instant) -> Zoned {
    timestamp(at).in_tz(zone.name()).unwrap()
}

fn is_quiet(hours: &QuietHours, zone: &Zone, at: Instant) -> bool {
    let wall = clock(zone, at).strftime("%H:%M").to_string();
    let (start, end) = (hours.start.to_string(), hours.end.to_string());
    match start < end {
        true => start <= wall && wall < end,
        false => !(end <= wall && wall < start),
    }
}

/// A zone, and an instant near one of its transitions from 2024 to 2028.
fn near_transition() -> impl Strategy<Value = (Zone, Instant)> {
    (0..NAMES.len(), 0_usize..10, -1600_i64..1600, 0_i64..MINUTE).prop_map(|(name, nth, minutes, millis)| {
        let zone = zone(NAMES[name]);
        let from = timestamp(at("2024-01-01T00:00:00Z"));
        let until = timestamp(at("2029-01-01T00:00:00Z"));
        let rules = zone.rules();
        let all: Vec<_> = rules.following(from).map(|next| next.timestamp()).take_while(|next| *next < until).collect();
        let next = instant(all[nth % all.len()]);
        (zone, Instant::from_millis(next.millis() + minutes * MINUTE + millis * (nth as i64 % 2)))
    })
}

fn any_time() -> impl Strategy<Value = TimeOfDay> {
    // Half of them in the hours in which clocks are changed.
    prop_oneof![(0_u16..1440), (0_u16..240), (1380_u16..1440)].prop_map(TimeOfDay)
}

#[test]
fn texts_are_read_and_written() {
    for bad in ["24:00", "7:00", "07:60", "+7:00", "0700", "07:00:00", "", "٠٧:٠٠"] {
        assert_eq!(bad.parse::<TimeOfDay>(), Err(BadQuiet::Time), "{bad}");
    }
    assert_eq!((time("00:00").minutes(), time("23:59").minutes()), (0, 1439));
    assert_eq!(zone("europe/berlin").name(), "Europe/Berlin");
    for bad in ["", "Berlin", "Etc/Unknown", "+01:00", "../UTC"] {
        assert_eq!(bad.parse::<Zone>(), Err(BadQuiet::Zone), "{bad}");
    }
    assert_eq!(Zone::utc(), zone("UTC"));
    let json = r#"{"start":"22:00","end":"07:30"}"#;
    let hours: QuietHours = serde_json::from_str(json).unwrap();
    assert_eq!((hours, serde_json::to_string(&hours).unwrap().as_str()), (quiet("22:00", "07:30"), json));
    for bad in [r#"{"start":"22:00","end":"22:00"}"#, r#"{"start":"22:00"}"#, r#"{"start":"1:00","end":"22:00","a":1}"#]
    {
        assert!(serde_json::from_str::<QuietHours>(bad).is_err(), "{bad}");
    }
    assert!(serde_json::to_string(&schemars::schema_for!(QuietHours)).unwrap().contains("additionalProperties"));
}

#[test]
fn a_night_ends_in_the_morning() {
    let (hours, utc) = (quiet("22:00", "07:00"), Zone::utc());
    for (now, ends) in [
        ("2026-01-05T21:59:59.999Z", None),
        ("2026-01-05T22:00:00Z", Some("2026-01-06T07:00:00Z")),
        ("2026-01-06T06:59:59.999Z", Some("2026-01-06T07:00:00Z")),
        ("2026-01-06T07:00:00Z", None),
    ] {
        assert_eq!(hours.ends(&utc, at(now)), ends.map(at), "{now}");
    }
    assert_eq!(hours.ends(&zone("America/New_York"), at("2026-01-06T03:00:00Z")), Some(at("2026-01-06T12:00:00Z")));
    let forever = Instant::from_millis(i64::MAX);
    assert!(hours.ends(&utc, forever).is_none_or(|end| end == forever), "the end of time is no panic");
}

#[test]
fn the_clock_is_changed_in_the_night() {
    let berlin = zone("Europe/Berlin");
    // Forward at 02:00: 02:30 is skipped, the quiet ends at 03:00 CEST.
    let spring = quiet("22:00", "02:30").ends(&berlin, at("2026-03-28T22:00:00Z"));
    assert_eq!(spring, Some(at("2026-03-29T01:00:00Z")));
    // Back at 03:00: the clock never shows 03:00 before it falls into the window again.
    let autumn = quiet("22:00", "03:00").ends(&berlin, at("2026-10-24T22:00:00Z"));
    assert_eq!(autumn, Some(at("2026-10-25T02:00:00Z")));
    // The first 02:30 is not quiet, and half an hour later the second 02:00 is.
    let (half, first) = (quiet("22:00", "02:30"), at("2026-10-25T00:30:00Z"));
    assert_eq!(half.ends(&berlin, at("2026-10-24T22:00:00Z")), Some(first));
    assert_eq!(half.ends(&berlin, first), None);
    assert_eq!(half.ends(&berlin, at("2026-10-25T01:00:00Z")), Some(at("2026-10-25T01:30:00Z")));
}

#[test]
fn a_weekly_time_is_on_its_weekday_and_a_day_left_out_has_none() {
    let monday = next_local(time("09:00"), &zone("Europe/Berlin"), at("2026-03-23T08:00:00Z"), Some(1));
    assert_eq!(monday, at("2026-03-30T07:00:00Z"), "09:00 is no later than itself, and summer has come");
    // Samoa had no 30 December 2011.
    let samoa = zone("Pacific/Apia");
    let next = |weekday| next_local(time("12:00"), &samoa, at("2011-12-29T22:00:00Z"), weekday);
    assert_eq!(next(None), at("2011-12-30T22:00:00Z"));
    assert_eq!(next(Some(5)), at("2012-01-05T22:00:00Z"), "the next Friday that there is");
    // Greenland's last hour of 30 March 2024 was skipped.
    let nuuk = next_local(time("23:30"), &zone("America/Nuuk"), at("2024-03-31T00:00:00Z"), None);
    assert_eq!(nuuk, at("2024-03-31T01:00:00Z"));
    assert_eq!(next_local(time("09:00"), &samoa, nuuk, Some(8)), Instant::from_millis(i64::MAX), "no such weekday");
}

proptest! {
    #[test]
    fn quiet_ends_when_a_walk_by_minutes_says_so(
        (zone, now) in near_transition(), start in any_time(), end in any_time(),
    ) {
        prop_assume!(start != end);
        let hours = QuietHours::new(start, end).unwrap();
        let ends = hours.ends(&zone, now);
        prop_assert_eq!(ends.is_some(), is_quiet(&hours, &zone, now));
        if let Some(ends) = ends {
            // Clocks are changed on whole minutes, so that the first whole minute that is not quiet is the end.
            let minutes = (now.millis() / MINUTE + 1..).map(|minute| Instant::from_millis(minute * MINUTE));
            let walked = minutes.into_iter().find(|&minute| !is_quiet(&hours, &zone, minute));
            prop_assert_eq!(Some(ends), walked);
            prop_assert_eq!(hours.ends(&zone, ends), None);
        }
    }

    #[test]
    fn a_daily_time_comes_once_each_day((zone, from) in near_transition(), time in any_time()) {
        let mut last = next_local(time, &zone, from, None);
        prop_assert!(last > from);
        for _ in 0..4 {
            let next = next_local(time, &zone, last, None);
            prop_assert_eq!(clock(&zone, next).date(), clock(&zone, last).date().tomorrow().unwrap());
            last = next;
            let shown = clock(&zone, next);
            if shown.time() != time.civil() {
                let wanted = zone.rules().to_ambiguous_zoned(shown.date().to_datetime(time.civil()));
                let skipped = matches!(wanted.offset(), AmbiguousOffset::Gap { .. });
                prop_assert!(skipped);
                let before = clock(&zone, Instant::from_millis(next.millis() - 1));
                prop_assert!(before.datetime() < wanted.datetime() && wanted.datetime() < shown.datetime());
            }
        }
    }

    #[test]
    fn a_weekly_time_is_the_daily_one_of_its_weekday(
        (zone, from) in near_transition(), time in any_time(), day in 1_u8..=7,
    ) {
        let weekly = next_local(time, &zone, from, Some(day));
        let daily = std::iter::successors(Some(from), |&last| Some(next_local(time, &zone, last, None))).skip(1);
        let is_day = |at: &Instant| clock(&zone, *at).weekday().to_monday_one_offset() == day as i8;
        prop_assert_eq!(Some(weekly), daily.take(8).find(is_day));
    }

    #[test]
    fn no_instant_panics(millis in any::<i64>(), time in any_time()) {
        let (now, zone) = (Instant::from_millis(millis), zone(NAMES[0]));
        prop_assert!(next_local(time, &zone, now, None) >= now);
        let hours = QuietHours::new(time, TimeOfDay((time.0 + 60) % 1440)).unwrap();
        prop_assert!(hours.ends(&zone, now).is_none_or(|end| end >= now));
    }
}
