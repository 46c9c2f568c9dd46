//! Short links: claim a code for a URL, follow it, count who came.

mod cache;
mod codes;
pub mod domain;
pub mod events;
mod problems;
pub mod store;
mod view;

mod handlers {
    pub mod check_health;
    pub mod count_clicks;
    pub mod create_link;
    pub mod delete_link;
    pub mod follow_link;
    pub mod get_link;
    pub mod get_stats;
    pub mod list_links;
    pub mod publish_changes;
    pub mod roll_up_clicks;
    pub mod sweep_expired;
}

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws::Sdk;
use aws::env::Env;
use runtime::{System, endpoint};
use types::secret::PurposeKey;
use types::{Clock, Fault};
use web::{Access, CursorKey, Method};
use work::{Publisher, Queue};

use crate::cache::LinkCache;
use crate::codes::Codes;
use crate::store::Store;
use handlers::{
    check_health, count_clicks, create_link, delete_link, follow_link, get_link, get_stats, list_links,
    publish_changes, roll_up_clicks, sweep_expired,
};

/// The url-shortener's Lambdas.
pub fn system() -> System<App> {
    System::named("url-shortener")
        .http("create_link", Method::POST, "/links", Access::Scope("links:write"), endpoint!(create_link))
        .http("list_links", Method::GET, "/links", Access::Scope("links:read"), endpoint!(list_links))
        .http("get_link", Method::GET, "/links/{code}", Access::Scope("links:read"), endpoint!(get_link))
        .http("delete_link", Method::DELETE, "/links/{code}", Access::Scope("links:write"), endpoint!(delete_link))
        .http("get_stats", Method::GET, "/links/{code}/stats", Access::Scope("links:read"), endpoint!(get_stats))
        .http("check_health", Method::GET, "/health", Access::Public, endpoint!(check_health))
        .http("follow_link", Method::GET, "/{code}", Access::Public, endpoint!(follow_link))
        .openapi("get_openapi")
        .docs("get_docs")
        .unrouted("reject_request")
        .queue("count_clicks", "clicks", count_clicks::handle)
        .stream("roll_up_clicks", roll_up_clicks::handle)
        .stream("publish_changes", publish_changes::handle)
        .schedule("sweep_expired", sweep_expired::handle)
}

/// What the handlers share. Clients are made when first used: a redirect never builds EventBridge's.
#[derive(Clone)]
pub struct App {
    store: Store,
    codes: Arc<Codes>,
    cache: Arc<LinkCache>,
    clock: Clock,
    cursors: CursorKey,
    visitors: PurposeKey,
    settings: Arc<Settings>,
    sdk: Sdk,
    clicks: Arc<OnceLock<Queue>>,
    publisher: Arc<OnceLock<Publisher>>,
}

struct Settings {
    clicks_queue_url: String,
    bus: String,
    public_url: Option<String>,
    default_ttl: Option<Duration>,
    click_budget: Duration,
    click_shards: u8,
}

impl App {
    /// Reads the template's variables; the clock is the system's, or a test's.
    ///
    /// # Errors
    /// When one is missing or unreadable.
    pub fn from_env(env: &Env, clock: Clock) -> Result<Self, Fault> {
        let (sdk, secret) = (Sdk::from_env(env)?, env.secret()?);
        let store = Store::new(dynamo::Table::new(sdk.dynamodb(), env.require("TABLE")?));
        let default_ttl_seconds = env.parse_or("DEFAULT_TTL_SECONDS", 0)?;
        let settings = Settings {
            clicks_queue_url: env.require("CLICKS_QUEUE_URL")?.to_owned(),
            bus: env.require("BUS")?.to_owned(),
            public_url: env.get("PUBLIC_URL").map(|url| url.trim_end_matches('/').to_owned()),
            default_ttl: (default_ttl_seconds > 0).then(|| Duration::from_secs(default_ttl_seconds)),
            click_budget: Duration::from_millis(env.parse_or("CLICK_BUDGET_MS", 500)?),
            click_shards: env.parse_or("CLICK_SHARDS", 1_u8)?.clamp(1, 3),
        };
        Ok(Self {
            codes: Arc::new(Codes::new(store.clone(), &secret)),
            store,
            cache: Arc::default(),
            clock,
            cursors: CursorKey::of(&secret),
            visitors: secret.key("visitors"),
            settings: Arc::new(settings),
            sdk,
            clicks: Arc::default(),
            publisher: Arc::default(),
        })
    }

    fn clicks(&self) -> &Queue {
        self.clicks.get_or_init(|| Queue::new(self.sdk.sqs(), &self.settings.clicks_queue_url))
    }

    fn publisher(&self) -> &Publisher {
        let make = || Publisher::new(self.sdk.eventbridge(), &self.settings.bus, events::SOURCE);
        self.publisher.get_or_init(make)
    }
}
