//! What clients were promised, against what the table and the providers have.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::tz::TimeZoneDatabase;
use notifications::App;
use serde_json::Value;
use testkit::{Received, Verdict, World};
use types::Instant;
use url::form_urlencoded;

use super::{Asked, ZONES, tenant, user};

/// Notifications that may interrupt a user in an hour.
const CAP: usize = 10;

/// A notification and a channel: each user has one address of each.
pub(super) type Place = (String, &'static str);

/// A delivery as it is stored in the end.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub state: String,
    pub reason: String,
    pub attempts: u64,
    pub answered: u64,
    pub sent_at: Option<Instant>,
    pub client: u64,
    pub critical: bool,
}

/// All that is held against what clients saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// Ids of notifications by their titles, which are different.
    pub titles: BTreeMap<String, String>,
    pub deliveries: BTreeMap<Place, Stored>,
    /// How often providers took each delivery.
    pub effects: BTreeMap<Place, u64>,
    /// What each user's inbox counts.
    pub unread: BTreeMap<u64, u64>,
}

impl Found {
    /// Whether something still waits.
    pub async fn waits(world: &mut World<App>) -> Result<bool> {
        let mut found = Self::default();
        for change in world.changes().await? {
            found.take(&change["dynamodb"]["NewImage"])?;
        }
        Ok(found.deliveries.values().any(|delivery| ["pending", "leased"].contains(&delivery.state.as_str())))
    }

    pub async fn read(world: &mut World<App>, received: &[Received], clients: &BTreeSet<u64>) -> Result<Self> {
        let mut found = Self::default();
        for change in world.changes().await? {
            found.take(&change["dynamodb"]["NewImage"])?;
        }
        found.count_effects(world, received)?;
        let mut calm = world.undisturbed()?;
        for client in clients {
            let (name, path) = (tenant(*client), format!("/users/{}/inbox/count", user(*client)));
            let run = calm.http("GET", &path, &[], None, Some((&name, "users:read", "pro"))).await?;
            found.unread.insert(*client, run.body()["unread"].as_u64().with_context(|| format!("{run:?}"))?);
        }
        Ok(found)
    }

    fn take(&mut self, image: &Value) -> Result<()> {
        let text = |name: &str| image[name]["S"].as_str().unwrap_or_default();
        let number = |name: &str| image[name]["N"].as_str().and_then(|n| n.parse::<u64>().ok());
        if text("sk") == "NOTIFICATION" {
            let title = image["content"]["M"]["title"]["S"].as_str().context("a title")?;
            let other = self.titles.insert(title.to_owned(), text("id").to_owned());
            anyhow::ensure!(other.is_none_or(|other| other == text("id")), "{title} was made twice");
        }
        if text("sk").starts_with("DELIVERY#") {
            let millis = number("sent_at").and_then(|millis| i64::try_from(millis).ok());
            let delivery = Stored {
                state: text("state").to_owned(),
                reason: text("reason").to_owned(),
                attempts: number("attempts").unwrap_or_default(),
                answered: number("answered").unwrap_or_default(),
                sent_at: millis.map(Instant::from_millis),
                client: text("user").rsplit('-').next().and_then(|n| n.parse().ok()).context("a user's number")?,
                critical: text("priority") == "critical",
            };
            self.deliveries.insert((text("notification").to_owned(), channel(text("channel"))?), delivery);
        }
        Ok(())
    }

    fn count_effects(&mut self, world: &World<App>, received: &[Received]) -> Result<()> {
        for sent in world.sent() {
            let place = if sent.target == "SES.SendEmail" {
                let mail: Value = serde_json::from_str(&sent.body)?;
                let mut tags = mail["EmailTags"].as_array().into_iter().flatten();
                let tag = tags.find(|tag| tag["Name"] == "notification").context("a mail of a notification")?;
                let id = URL_SAFE_NO_PAD.decode(tag["Value"].as_str().unwrap_or_default())?;
                (String::from_utf8(id)?, "email")
            } else {
                let message = form_urlencoded::parse(sent.body.as_bytes()).find(|(name, _)| name == "Message");
                let message = message.context("a text message")?.1.into_owned();
                let title = message.split(':').next().unwrap_or_default();
                (self.titles.get(title).with_context(|| format!("nobody sent {title}"))?.clone(), "sms")
            };
            *self.effects.entry(place).or_default() += 1;
        }
        // A receiver that is told the same twice knows it by the id; what it answered with 2xx counts.
        let taken = received.iter().filter(|one| super::answer(one) == Some(204));
        let ids: BTreeSet<&str> = taken.filter_map(|one| one.headers.get("webhook-id").map(String::as_str)).collect();
        for id in ids {
            let place = (id.split('_').nth(1).unwrap_or_default().to_owned(), "webhook");
            *self.effects.entry(place).or_default() += 1;
        }
        Ok(())
    }
}

fn channel(name: &str) -> Result<&'static str> {
    let all = ["email", "sms", "webhook", "in_app"];
    all.into_iter().find(|channel| *channel == name).with_context(|| format!("nobody asked for {name}"))
}

/// Whether it is between 22:00 and 07:30 where the client's user lives.
fn sleeps(client: u64, at: Instant) -> bool {
    if !client.is_multiple_of(2) {
        return false;
    }
    let zone = ZONES[usize::try_from(client).unwrap_or_default() % ZONES.len()];
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
    let local = jiff::Timestamp::from_millisecond(at.millis()).unwrap().to_zoned(zone);
    !(7 * 60 + 30..22 * 60).contains(&(i32::from(local.hour()) * 60 + i32::from(local.minute())))
}

pub(super) fn judge(asked: &[Asked], found: &Found) -> Verdict {
    let mut broken = Vec::new();
    let (mut twice, mut unknown, mut failed) = (0, 0, 0);
    for (place, delivery) in &found.deliveries {
        let took = found.effects.get(place).copied().unwrap_or_default();
        // Attempts of which nobody knew the outcome, and which are counted as that.
        let open = delivery.attempts.saturating_sub(delivery.answered);
        let more = took.saturating_sub(1);
        (unknown, twice) = (unknown + open, twice + more);
        let interrupts = ["email", "sms"].contains(&place.1) && !delivery.critical;
        let wrong = match delivery.state.as_str() {
            "sent" | "delivered" if place.1 != "in_app" && took == 0 => "said to be sent, and was not",
            "sent" | "delivered" | "failed" => "",
            "skipped" if took > open => "not to be sent, and was",
            "skipped" => "",
            _ => "it never came to its end",
        };
        failed += u64::from(delivery.state == "failed");
        if !wrong.is_empty() {
            broken.push(format!("{wrong}: {place:?} {delivery:?}"));
        }
        if more > open {
            broken.push(format!("{took} times, of which {open} are accounted for: {place:?} {delivery:?}"));
        }
        if delivery.sent_at.is_some_and(|at| interrupts && sleeps(delivery.client, at)) {
            broken.push(format!("the user sleeps: {place:?} {delivery:?}"));
        }
    }
    for place in found.effects.keys().filter(|place| !found.deliveries.contains_key(*place)) {
        broken.push(format!("something was sent that is not stored: {place:?}"));
    }
    promises(asked, found, &mut broken);
    caps(found, &mut broken);
    inboxes(found, &mut broken);
    let figures = vec![
        ("notifications", found.titles.len() as u64),
        ("deliveries", found.deliveries.len() as u64),
        ("sent", found.effects.values().sum()),
        ("inboxes", found.unread.values().sum()),
        ("given up", failed),
        ("outcomes unknown", unknown),
        ("sent twice", twice),
    ];
    Verdict { figures, broken }
}

/// What was acknowledged is there, with a delivery for each channel; what was forbidden was not sent.
fn promises(asked: &[Asked], found: &Found, broken: &mut Vec<String>) {
    for one in asked {
        let made = found.titles.get(&format!("n{}", one.operation));
        match (&one.id, made) {
            (Some(id), Some(made)) if id != made => broken.push(format!("another id than {made}: {one:?}")),
            (Some(_), None) => broken.push(format!("acknowledged and lost: {one:?}")),
            _ => {}
        }
        let Some(made) = made else { continue };
        for channel in &one.channels {
            let place = (made.clone(), *channel);
            let wrong = match found.deliveries.get(&place) {
                None => "nothing is known of it",
                Some(delivery) if delivery.state == "skipped" && *channel == "in_app" => "the inbox lacks it",
                Some(delivery) if delivery.reason == "user-cap" && delivery.critical => "critical, and capped",
                Some(_) if one.forbidden.contains(channel) && found.effects.contains_key(&place) => {
                    "the user had opted out"
                }
                Some(_) => "",
            };
            if !wrong.is_empty() {
                broken.push(format!("{wrong}: {channel} of {one:?}, {:?}", found.deliveries.get(&place)));
            }
        }
    }
}

/// In no hour more of a user's notifications than the cap were sent that interrupt.
fn caps(found: &Found, broken: &mut Vec<String>) {
    let mut hours: BTreeMap<(u64, i64), BTreeSet<&str>> = BTreeMap::new();
    for ((id, channel), delivery) in &found.deliveries {
        if let Some(at) = delivery.sent_at.filter(|_| !delivery.critical && ["email", "sms"].contains(channel)) {
            hours.entry((delivery.client, at.seconds().div_euclid(3600))).or_default().insert(id);
        }
    }
    for ((client, hour), ids) in hours.into_iter().filter(|(_, ids)| ids.len() > CAP) {
        broken.push(format!("user {client} was interrupted {} times in hour {hour}", ids.len()));
    }
}

/// Each inbox counts exactly what was delivered to it.
fn inboxes(found: &Found, broken: &mut Vec<String>) {
    for (client, unread) in &found.unread {
        let theirs = found.deliveries.iter().filter(|((_, channel), it)| *channel == "in_app" && it.client == *client);
        let arrived = theirs.filter(|(_, it)| it.state == "delivered").count() as u64;
        if arrived != *unread {
            broken.push(format!("{arrived} arrived in the inbox of user {client}, and it counts {unread}"));
        }
    }
}

mod tests {
    use super::*;

    fn truth() -> (Vec<Asked>, Found) {
        let asked = Asked {
            client: 1,
            operation: 7,
            id: Some("a".into()),
            channels: vec!["email", "in_app"],
            forbidden: Vec::new(),
        };
        let stored = |state: &str| Stored {
            state: state.into(),
            reason: String::new(),
            attempts: 1,
            answered: 1,
            sent_at: Some(Instant::from_seconds(1_800_000_000)),
            client: 1,
            critical: false,
        };
        let found = Found {
            titles: [("n7".to_owned(), "a".to_owned())].into(),
            deliveries: [(("a".into(), "email"), stored("sent")), (("a".into(), "in_app"), stored("delivered"))].into(),
            effects: [(("a".into(), "email"), 1)].into(),
            unread: [(1, 1)].into(),
        };
        (vec![asked], found)
    }

    /// The judge is lied to, and names the lie.
    #[test]
    fn each_broken_promise_is_named() {
        let (asked, found) = truth();
        assert_eq!(judge(&asked, &found).broken, Vec::<String>::new());
        let email = || ("a".to_owned(), "email");
        let lie = |what: &str, change: &dyn Fn(&mut Vec<Asked>, &mut Found)| {
            let (mut asked, mut found) = truth();
            change(&mut asked, &mut found);
            let broken = judge(&asked, &found).broken.join("\n");
            assert!(broken.contains(what), "{what} is not in {broken:?}");
        };
        lie("said to be sent", &|_, found| found.effects.clear());
        lie("2 times, of which 0", &|_, found| _ = found.effects.insert(email(), 2));
        lie("never came to its end", &|_, found| found.deliveries.get_mut(&email()).unwrap().state = "leased".into());
        lie("not to be sent", &|_, found| found.deliveries.get_mut(&email()).unwrap().state = "skipped".into());
        lie("acknowledged and lost", &|_, found| found.titles.clear());
        lie("another id", &|asked, _| asked[0].id = Some("b".into()));
        lie("nothing is known", &|asked, _| asked[0].channels.push("sms"));
        lie("had opted out", &|asked, _| asked[0].forbidden.push("email"));
        lie("is not stored", &|_, found| _ = found.effects.insert(("b".into(), "sms"), 1));
        lie("it counts 2", &|_, found| _ = found.unread.insert(1, 2));
        lie("the user sleeps", &|_, found| {
            let delivery = found.deliveries.get_mut(&email()).unwrap();
            delivery.client = 0; // New York, at three in the morning
        });
        lie("interrupted 11 times", &|_, found| {
            let one = found.deliveries[&email()].clone();
            for n in 0..10 {
                found.deliveries.insert((format!("b{n}"), "email"), one.clone());
                found.effects.insert((format!("b{n}"), "email"), 1);
            }
        });
    }
}
