//! What is stored in the end, read without faults: every link that ever stood, from the table's own changes; the sets
//! of clicks and their sums; what the bus took; what the owners are shown.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use testkit::World;
use types::Instant;
use url_shortener::App;

/// What is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    pub now: Instant,
    pub links: Vec<Link>,
    /// By code and minute.
    pub clicks: BTreeMap<(String, String), u64>,
    /// By code and day.
    pub days: BTreeMap<(String, String), u64>,
    /// Detail type, URL, id.
    pub told: Vec<(String, String, String)>,
    /// What owners are to be told.
    pub asked: Vec<Asked>,
    /// Clicks by code, as the API answers its owner.
    pub stats: BTreeMap<String, u64>,
    /// Codes by owner, as the API lists them.
    pub listed: BTreeMap<u64, BTreeSet<String>>,
}

/// A request that an owner be told of a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub code: String,
    pub kind: String,
    pub tenant: String,
    pub user: String,
    pub id: String,
}

/// A link from its claim on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub code: String,
    pub url: String,
    pub owner: u64,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub disabled_at: Option<Instant>,
    pub swept_at: Option<Instant>,
    pub warned_at: Option<Instant>,
    pub max_clicks: Option<u64>,
    /// How often it opened, where that is limited.
    pub used: u64,
}

impl Stored {
    /// Nothing yet.
    pub fn at(now: Instant) -> Self {
        Self {
            now,
            links: Vec::new(),
            clicks: BTreeMap::new(),
            days: BTreeMap::new(),
            told: Vec::new(),
            asked: Vec::new(),
            stats: BTreeMap::new(),
            listed: BTreeMap::new(),
        }
    }

    pub async fn read(world: &mut World<App>, owners: u64) -> Result<Self> {
        let mut stored = Self::at(world.clock.now());
        for change in world.changes().await? {
            stored.change(change)?;
        }
        for entry in world.published() {
            let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap_or_default())?;
            if entry["DetailType"] == "NotificationRequested" {
                stored.asked.push(Asked::of(&detail));
            } else {
                stored.told.push((text(&entry["DetailType"]), text(&detail["url"]), text(&detail["id"])));
            }
        }
        for owner in 0..owners {
            stored.ask(world, owner).await?;
        }
        Ok(stored)
    }

    fn change(&mut self, change: &Value) -> Result<()> {
        let (keys, new) = (&change["dynamodb"]["Keys"], &change["dynamodb"]["NewImage"]);
        let sk = text(&keys["sk"]["S"]);
        let Some(code) = text(&keys["pk"]["S"]).strip_prefix("LINK#").map(str::to_owned) else { return Ok(()) };
        if code == "orphans" {
            return Ok(()); // visits to no link; nothing is promised of them
        }
        ensure!(new.is_object(), "{code} {sk} was removed");
        if sk == "LINK" {
            let link = Link::of(new)?;
            let standing = self.links.iter_mut().rev().find(|standing| standing.code == code);
            match standing.filter(|standing| standing.url == link.url) {
                Some(standing) => *standing = link,
                None => self.links.push(link),
            }
        } else if let Some(minute) = sk.strip_prefix("PER_MINUTE#") {
            let clicks = new["clicks"]["BS"].as_array().map_or(0, Vec::len) as u64;
            self.clicks.insert((code, minute.to_owned()), clicks);
        } else if let Some(month) = sk.strip_prefix("MONTH#") {
            for (slot, sum) in new.as_object().into_iter().flatten() {
                let Some(day) = slot.strip_prefix('d').filter(|day| day.len() == 2) else { continue };
                let clicks = number(&sum["M"]["clicks"]).context("a sum of clicks")?;
                self.days.insert((code.clone(), format!("{month}-{day}")), u64::try_from(clicks)?);
            }
        }
        Ok(())
    }

    /// Asks the API: the owner's list, and the statistics of what is in it.
    async fn ask(&mut self, world: &mut World<App>, owner: u64) -> Result<()> {
        let (mut sandbox, name) = (world.undisturbed()?, format!("owner-{owner}"));
        let caller = Some((name.as_str(), "links:read", "pro"));
        let (mut listed, mut page) = (BTreeSet::new(), "/links?limit=100".to_owned());
        loop {
            let run = sandbox.http("GET", &page, &[], None, caller).await?;
            ensure!(run.status() == 200, "{run:?}");
            let body = run.body();
            for item in body["items"].as_array().into_iter().flatten() {
                ensure!(listed.insert(text(&item["code"])), "{} is listed twice", item["code"]);
            }
            let Some(next) = body["next_cursor"].as_str() else { break };
            page = format!("/links?limit=100&cursor={next}");
        }
        for code in &listed {
            if self.clicks.keys().any(|(clicked, _)| clicked == code) {
                let run = sandbox.http("GET", &format!("/links/{code}/stats"), &[], None, caller).await?;
                self.stats.insert(code.clone(), run.body()["total_clicks"].as_u64().context("total_clicks")?);
            }
        }
        self.listed.insert(owner, listed);
        Ok(())
    }
}

impl Asked {
    fn of(detail: &Value) -> Self {
        Self {
            code: text(&detail["data"]["code"]),
            kind: text(&detail["type"]),
            tenant: text(&detail["tenant"]),
            user: text(&detail["user_id"]),
            id: text(&detail["id"]),
        }
    }
}

impl Link {
    fn of(image: &Value) -> Result<Self> {
        let instant = |name: &str| number(&image[name]).map(Instant::from_millis);
        let count = |name: &str| number(&image[name]).and_then(|count| u64::try_from(count).ok());
        let owner = text(&image["owner"]["S"]);
        Ok(Self {
            code: text(&image["code"]["S"]),
            url: text(&image["url"]["S"]),
            owner: owner.trim_start_matches("owner-").parse().with_context(|| owner.clone())?,
            created_at: instant("created_at").context("created_at")?,
            expires_at: instant("expires_at"),
            disabled_at: instant("disabled_at"),
            swept_at: instant("swept_at"),
            warned_at: instant("warned_at"),
            max_clicks: count("max_clicks"),
            used: count("used").unwrap_or_default(),
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> Option<i64> {
    value["N"].as_str()?.parse().ok()
}
