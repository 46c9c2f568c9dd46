//! Short links: claim a code for a URL, follow it, count who came.

mod answers;
mod bitly;
mod cache;
mod claims;
mod codes;
pub mod domain;
pub mod events;
mod follow;
mod guides;
mod kutt;
mod limits;
mod pages;
mod problems;
mod qr;
mod requests;
mod results;
pub mod store;
mod tables;
mod view;
mod visits;

mod handlers {
    pub mod check_health;
    pub mod claim_queued;
    pub mod count_clicks;
    pub mod create_bitlink;
    pub mod create_kutt_link;
    pub mod create_link;
    pub mod create_links;
    pub mod create_url;
    pub mod delete_domain;
    pub mod delete_kutt_link;
    pub mod delete_link;
    pub mod delete_short;
    pub mod expand_bitlink;
    pub mod follow_link;
    pub mod follow_path;
    pub mod follow_root;
    pub mod get_bitlink;
    pub mod get_bitlink_clicks;
    pub mod get_bitlink_countries;
    pub mod get_bitlink_referrers;
    pub mod get_bitlink_summary;
    pub mod get_domain;
    pub mod get_domain_stats;
    pub mod get_kutt_stats;
    pub mod get_link;
    pub mod get_orphan_stats;
    pub mod get_qr;
    pub mod get_request;
    pub mod get_short;
    pub mod get_short_stats;
    pub mod get_stats;
    pub mod get_url_stats;
    pub mod list_domains;
    pub mod list_kutt_links;
    pub mod list_links;
    pub mod publish_changes;
    pub mod put_domain;
    pub mod roll_up_clicks;
    pub mod shorten_bitlink;
    pub mod shorten_url;
    pub mod sweep_expired;
    pub mod unlock_link;
    pub mod update_bitlink;
    pub mod update_kutt_link;
    pub mod update_link;
}

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws::Sdk;
use aws::env::Env;
use runtime::{System, endpoint};
use types::secret::PurposeKey;
use types::{Clock, Fault};
use web::{Access, CursorKey, FromRef, Limits, Method, Viewer};
use work::{Publisher, Queue};

use crate::cache::Memory;
use crate::codes::{Generator, generator};
use crate::domain::{Alphabet, Code, Domain, DomainName, Link, Shape, Strategy};
use crate::limits::{CREATES, LISTS, PASSWORDS, PICTURES};
use crate::store::Store;
use crate::visits::Countries;
use handlers::{
    check_health, claim_queued, count_clicks, create_bitlink, create_kutt_link, create_link, create_links, create_url,
    delete_domain, delete_kutt_link, delete_link, delete_short, expand_bitlink, follow_link, follow_path, follow_root,
    get_bitlink, get_bitlink_clicks, get_bitlink_countries, get_bitlink_referrers, get_bitlink_summary, get_domain,
    get_domain_stats, get_kutt_stats, get_link, get_orphan_stats, get_qr, get_request, get_short, get_short_stats,
    get_stats, get_url_stats, list_domains, list_kutt_links, list_links, publish_changes, put_domain, roll_up_clicks,
    shorten_bitlink, shorten_url, sweep_expired, unlock_link, update_bitlink, update_kutt_link, update_link,
};

const READ: Access = Access::Scope("links:read");
const WRITE: Access = Access::Scope("links:write");
const DOMAINS: Access = Access::Scope("domains:write");
const ORPHANS: Access = Access::Scope("orphans:read");

/// The url-shortener's Lambdas.
#[allow(clippy::too_many_lines)] // a table
pub fn system() -> System<App> {
    System::named("url-shortener")
        .problems(problems::ALL)
        .http("create_link", Method::POST, "/links", WRITE, endpoint!(create_link))
        .limited(&CREATES)
        .http("create_links", Method::POST, "/links/batch", WRITE, endpoint!(create_links))
        .limited(&CREATES)
        .http("list_links", Method::GET, "/links", READ, endpoint!(list_links))
        .limited(&LISTS)
        .http("get_link", Method::GET, "/links/{code}", READ, endpoint!(get_link))
        .http("update_link", Method::PATCH, "/links/{code}", WRITE, endpoint!(update_link))
        .http("delete_link", Method::DELETE, "/links/{code}", WRITE, endpoint!(delete_link))
        .http("get_stats", Method::GET, "/links/{code}/stats", READ, endpoint!(get_stats))
        .http("get_qr", Method::GET, "/links/{code}/qr", READ, endpoint!(get_qr))
        .limited(&PICTURES)
        .http("get_request", Method::GET, "/requests/{id}", READ, endpoint!(get_request))
        .http("put_domain", Method::PUT, "/domains/{domain}", DOMAINS, endpoint!(put_domain))
        .http("get_domain", Method::GET, "/domains/{domain}", READ, endpoint!(get_domain))
        .http("list_domains", Method::GET, "/domains", READ, endpoint!(list_domains))
        .http("delete_domain", Method::DELETE, "/domains/{domain}", DOMAINS, endpoint!(delete_domain))
        .http("get_domain_stats", Method::GET, "/domains/{domain}/stats", READ, endpoint!(get_domain_stats))
        .http("get_orphan_stats", Method::GET, "/orphans/stats", ORPHANS, endpoint!(get_orphan_stats))
        .http("check_health", Method::GET, "/health", Access::Public, endpoint!(check_health))
        .http("follow_root", Method::GET, "/", Access::Public, endpoint!(follow_root))
        .http("follow_link", Method::GET, "/{code}", Access::Public, endpoint!(follow_link))
        .http("follow_path", Method::GET, "/{code}/{rest+}", Access::Public, endpoint!(follow_path))
        .http("unlock_link", Method::POST, "/{code}", Access::Public, endpoint!(unlock_link))
        .limited(&PASSWORDS)
        // The names of the guides, of Bitly (v4) and of Kutt (v2), for clients that are there already.
        .http("create_url", Method::POST, "/urls", WRITE, endpoint!(create_url))
        .limited(&CREATES)
        .http("get_url_stats", Method::GET, "/urls/{code}/stats", READ, endpoint!(get_url_stats))
        .http("shorten_url", Method::POST, "/api/shorten", WRITE, endpoint!(shorten_url))
        .limited(&CREATES)
        .http("get_short", Method::GET, "/api/{code}", READ, endpoint!(get_short))
        .http("delete_short", Method::DELETE, "/api/{code}", WRITE, endpoint!(delete_short))
        .http("get_short_stats", Method::GET, "/api/{code}/stats", READ, endpoint!(get_short_stats))
        .http("shorten_bitlink", Method::POST, "/v4/shorten", WRITE, endpoint!(shorten_bitlink))
        .limited(&CREATES)
        .http("expand_bitlink", Method::POST, "/v4/expand", READ, endpoint!(expand_bitlink))
        .http("create_bitlink", Method::POST, "/v4/bitlinks", WRITE, endpoint!(create_bitlink))
        .limited(&CREATES)
        .http("get_bitlink", Method::GET, "/v4/bitlinks/{domain}/{code}", READ, endpoint!(get_bitlink))
        .http("update_bitlink", Method::PATCH, "/v4/bitlinks/{domain}/{code}", WRITE, endpoint!(update_bitlink))
        .http(
            "get_bitlink_clicks",
            Method::GET,
            "/v4/bitlinks/{domain}/{code}/clicks",
            READ,
            endpoint!(get_bitlink_clicks),
        )
        .http(
            "get_bitlink_summary",
            Method::GET,
            "/v4/bitlinks/{domain}/{code}/clicks/summary",
            READ,
            endpoint!(get_bitlink_summary),
        )
        .http(
            "get_bitlink_countries",
            Method::GET,
            "/v4/bitlinks/{domain}/{code}/countries",
            READ,
            endpoint!(get_bitlink_countries),
        )
        .http(
            "get_bitlink_referrers",
            Method::GET,
            "/v4/bitlinks/{domain}/{code}/referrers",
            READ,
            endpoint!(get_bitlink_referrers),
        )
        .http("list_kutt_links", Method::GET, "/api/v2/links", READ, endpoint!(list_kutt_links))
        .limited(&LISTS)
        .http("create_kutt_link", Method::POST, "/api/v2/links", WRITE, endpoint!(create_kutt_link))
        .limited(&CREATES)
        .http("update_kutt_link", Method::PATCH, "/api/v2/links/{id}", WRITE, endpoint!(update_kutt_link))
        .http("delete_kutt_link", Method::DELETE, "/api/v2/links/{id}", WRITE, endpoint!(delete_kutt_link))
        .http("get_kutt_stats", Method::GET, "/api/v2/links/{id}/stats", READ, endpoint!(get_kutt_stats))
        .openapi("get_openapi")
        .docs("get_docs")
        .unrouted("reject_request")
        .queue("claim_queued", "claims", claim_queued::handle)
        .queue("count_clicks", "clicks", count_clicks::handle)
        .stream("roll_up_clicks", roll_up_clicks::handle)
        .stream("publish_changes", publish_changes::handle)
        .schedule("sweep_expired", sweep_expired::handle)
}

/// What the handlers share. Clients are made when first used: a redirect never builds EventBridge's.
#[derive(Clone)]
pub struct App {
    store: Store,
    codes: Arc<dyn Generator>,
    cache: Arc<Memory<Code, Link>>,
    domains: Arc<Memory<DomainName, Domain>>,
    clock: Clock,
    cursors: CursorKey,
    visitors: PurposeKey,
    urls: PurposeKey,
    settings: Arc<Settings>,
    sdk: Sdk,
    clicks: Arc<OnceLock<Queue>>,
    claims: Arc<OnceLock<Queue>>,
    publisher: Arc<OnceLock<Publisher>>,
    limits: Limits,
}

impl FromRef<App> for Limits {
    fn from_ref(app: &App) -> Self {
        app.limits.clone()
    }
}

struct Settings {
    clicks_queue_url: String,
    claims_queue_url: String,
    bus: String,
    public_url: Option<String>,
    public_host: Option<String>,
    default_ttl: Option<Duration>,
    click_budget: Duration,
    click_shards: u8,
    edge_age: Duration,
    origin_secret: Option<String>,
    countries: Countries,
}

impl Settings {
    fn from_env(env: &Env) -> Result<Self, Fault> {
        let default_ttl_seconds = env.parse_or("DEFAULT_TTL_SECONDS", 0)?;
        let public_url = env.get("PUBLIC_URL").map(|url| url.trim_end_matches('/').to_owned());
        let host = |url: &String| url::Url::parse(url).ok()?.host_str().map(str::to_owned);
        Ok(Self {
            clicks_queue_url: env.require("CLICKS_QUEUE_URL")?.to_owned(),
            claims_queue_url: env.require("CLAIMS_QUEUE_URL")?.to_owned(),
            bus: env.require("BUS")?.to_owned(),
            public_host: public_url.as_ref().and_then(host),
            public_url,
            default_ttl: (default_ttl_seconds > 0).then(|| Duration::from_secs(default_ttl_seconds)),
            click_budget: Duration::from_millis(env.parse_or("CLICK_BUDGET_MS", 500)?),
            click_shards: env.parse_or("CLICK_SHARDS", 1_u8)?.clamp(1, 3),
            edge_age: Duration::from_secs(env.parse_or("EDGE_CACHE_SECONDS", 0)?),
            origin_secret: env.get("ORIGIN_SECRET").map(str::to_owned),
            countries: Countries::open(env.get("IP_DATABASE"))?,
        })
    }
}

impl App {
    /// Reads the template's variables; the clock is the system's, or a test's.
    ///
    /// # Errors
    /// When one is missing or unreadable.
    pub fn from_env(env: &Env, clock: Clock) -> Result<Self, Fault> {
        let (sdk, secret) = (Sdk::from_env(env)?, env.secret()?);
        let store = Store::new(dynamo::Table::new(sdk.dynamodb(), env.require("TABLE")?));
        let absent = Duration::from_secs(env.parse_or("ABSENT_CACHE_SECONDS", 5)?);
        let alphabet = env.parse_or("CODE_ALPHABET", Alphabet::Base62)?;
        let shape = Shape::new(alphabet, env.parse_or("CODE_LENGTH", 7)?);
        let strategy = env.parse_or("CODE_GENERATOR", Strategy::Permuted)?;
        let settings = Arc::new(Settings::from_env(env)?);
        let limits = Limits::from_env(env, &sdk, &secret, clock.clone(), "url-shortener")?;
        let viewers = Arc::clone(&settings);
        Ok(Self {
            codes: generator(strategy, shape, store.clone(), &secret),
            store,
            cache: Arc::new(Memory::new(absent)),
            domains: Arc::new(Memory::new(absent)),
            clock,
            cursors: CursorKey::of(&secret),
            visitors: secret.key("visitors"),
            urls: secret.key("urls"),
            limits: limits.viewed_by(move |meta| Viewer {
                address: viewers.limited_address(meta).to_owned(),
                host: viewers.asked_domain(meta).map(|domain| domain.to_string()).unwrap_or_default(),
            }),
            settings,
            sdk,
            clicks: Arc::default(),
            claims: Arc::default(),
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
