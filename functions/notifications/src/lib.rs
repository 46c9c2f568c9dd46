//! Notifications: to devices, mailboxes, phones, browsers, servers and an inbox, by priority, each as often as asked.

mod addresses;
mod audiences;
mod delivering;
mod devices;
mod digesting;
pub mod domain;
pub mod events;
mod expanding;
mod fan_out;
mod feedback;
mod forwarding;
mod limits;
mod links;
mod live;
mod mail;
mod pacing;
mod pages;
mod problems;
mod providers;
mod send;
mod settings;
mod statuses;
pub mod store;
mod view;
mod web_push;

mod handlers {
    pub mod cancel_notification;
    pub mod check_health;
    pub mod count_inbox;
    pub mod create_address;
    pub mod create_audience;
    pub mod create_broadcast;
    pub mod create_inbox_token;
    pub mod create_notification;
    pub mod create_notifications;
    pub mod delete_address;
    pub mod delete_subscriber;
    pub mod deliver;
    pub mod expand_fan_out;
    pub mod forward_rest;
    pub mod forward_urgent;
    pub mod get_notification;
    pub mod get_preferences;
    pub mod get_template;
    pub mod get_template_stats;
    pub mod get_web_push_key;
    pub mod list_addresses;
    pub mod list_inbox;
    pub mod list_subscribers;
    pub mod list_templates;
    pub mod mark_item;
    pub mod on_connect;
    pub mod on_disconnect;
    pub mod on_ping;
    pub mod pause_notification;
    pub mod preview_template;
    pub mod put_preferences;
    pub mod put_subscriber;
    pub mod put_template;
    pub mod refresh_token;
    pub mod resume_notification;
    pub mod rotate_secret;
    pub mod show_unsubscribe;
    pub mod show_verification;
    pub mod sweep_due;
    pub mod take_feedback;
    pub mod take_requests;
    pub mod take_statuses;
    pub mod unsubscribe;
    pub mod verify_address;
}

use std::sync::{Arc, OnceLock};

use aws::Sdk;
use aws::env::Env;
use limiter::Limiter;
use runtime::{System, endpoint};
use types::secret::PurposeKey;
use types::{Clock, Fault};
use web::{Access, Connections, CursorKey, FromRef, Limits, Method};
use work::{Priority, PriorityQueue, Queue};

use crate::audiences::Audiences;
use crate::limits::{ADDRESSES, BROADCASTS, SENDS};
use crate::links::Links;
use crate::providers::Providers;
use crate::settings::{Rates, Settings, Statuses};
use crate::store::Store;
use handlers::{
    cancel_notification, check_health, count_inbox, create_address, create_audience, create_broadcast,
    create_inbox_token, create_notification, create_notifications, delete_address, delete_subscriber, deliver,
    expand_fan_out, forward_rest, forward_urgent, get_notification, get_preferences, get_template, get_template_stats,
    get_web_push_key, list_addresses, list_inbox, list_subscribers, list_templates, mark_item, on_connect,
    on_disconnect, on_ping, pause_notification, preview_template, put_preferences, put_subscriber, put_template,
    refresh_token, resume_notification, rotate_secret, show_unsubscribe, show_verification, sweep_due, take_feedback,
    take_requests, take_statuses, unsubscribe, verify_address,
};

const SEND: Access = Access::Scope("notifications:send");
const BROADCAST: Access = Access::Scope("broadcasts:send");
const READ: Access = Access::Scope("notifications:read");
const USERS: Access = Access::Scope("users:write");
const LOOK: Access = Access::Scope("users:read");
const TEMPLATES: Access = Access::Scope("templates:write");
const WORDS: Access = Access::Scope("templates:read");

/// The Lambdas of notifications.
#[allow(clippy::too_many_lines)] // a table
pub fn system() -> System<App> {
    System::named("notifications")
        .problems(problems::ALL)
        .http("create_notification", Method::POST, "/notifications", SEND, endpoint!(create_notification))
        .limited(&SENDS)
        .http("create_notifications", Method::POST, "/notifications/batch", SEND, endpoint!(create_notifications))
        .limited(&SENDS)
        .http("get_notification", Method::GET, "/notifications/{id}", READ, endpoint!(get_notification))
        .http("cancel_notification", Method::DELETE, "/notifications/{id}", SEND, endpoint!(cancel_notification))
        .http("create_audience", Method::POST, "/audiences", BROADCAST, endpoint!(create_audience))
        .limited(&BROADCASTS)
        .http("create_broadcast", Method::POST, "/broadcasts", BROADCAST, endpoint!(create_broadcast))
        .limited(&BROADCASTS)
        .http("pause_notification", Method::POST, "/notifications/{id}/pause", BROADCAST, endpoint!(pause_notification))
        .http(
            "resume_notification",
            Method::POST,
            "/notifications/{id}/resume",
            BROADCAST,
            endpoint!(resume_notification),
        )
        .http("get_preferences", Method::GET, "/users/{user}/preferences", LOOK, endpoint!(get_preferences))
        .http("put_preferences", Method::PUT, "/users/{user}/preferences", USERS, endpoint!(put_preferences))
        .http("create_address", Method::POST, "/users/{user}/addresses", USERS, endpoint!(create_address))
        .limited(&ADDRESSES)
        .http("list_addresses", Method::GET, "/users/{user}/addresses", LOOK, endpoint!(list_addresses))
        .http("delete_address", Method::DELETE, "/users/{user}/addresses/{address}", USERS, endpoint!(delete_address))
        .http("refresh_token", Method::PUT, "/users/{user}/addresses/{address}/token", USERS, endpoint!(refresh_token))
        .http(
            "rotate_secret",
            Method::POST,
            "/users/{user}/addresses/{address}/secret",
            USERS,
            endpoint!(rotate_secret),
        )
        .http("list_inbox", Method::GET, "/users/{user}/inbox", LOOK, endpoint!(list_inbox))
        .http("count_inbox", Method::GET, "/users/{user}/inbox/count", LOOK, endpoint!(count_inbox))
        .http("create_inbox_token", Method::POST, "/users/{user}/inbox/token", USERS, endpoint!(create_inbox_token))
        .http("mark_item", Method::PATCH, "/users/{user}/inbox/{id}", USERS, endpoint!(mark_item))
        .http("list_subscribers", Method::GET, "/topics/{topic}/subscribers", LOOK, endpoint!(list_subscribers))
        .http("put_subscriber", Method::PUT, "/topics/{topic}/subscribers/{user}", USERS, endpoint!(put_subscriber))
        .http(
            "delete_subscriber",
            Method::DELETE,
            "/topics/{topic}/subscribers/{user}",
            USERS,
            endpoint!(delete_subscriber),
        )
        .http("list_templates", Method::GET, "/templates", WORDS, endpoint!(list_templates))
        .http("get_template", Method::GET, "/templates/{id}", WORDS, endpoint!(get_template))
        .http("put_template", Method::PUT, "/templates/{id}", TEMPLATES, endpoint!(put_template))
        .http("preview_template", Method::POST, "/templates/{id}/preview", WORDS, endpoint!(preview_template))
        .http("get_template_stats", Method::GET, "/templates/{id}/stats", WORDS, endpoint!(get_template_stats))
        .http("get_web_push_key", Method::GET, "/web-push/key", Access::Public, endpoint!(get_web_push_key))
        .http("show_verification", Method::GET, "/verify/{token}", Access::Public, endpoint!(show_verification))
        .http("verify_address", Method::POST, "/verify/{token}", Access::Public, endpoint!(verify_address))
        .http("show_unsubscribe", Method::GET, "/unsubscribe/{token}", Access::Public, endpoint!(show_unsubscribe))
        .http("unsubscribe", Method::POST, "/unsubscribe/{token}", Access::Public, endpoint!(unsubscribe))
        .http("check_health", Method::GET, "/health", Access::Public, endpoint!(check_health))
        .openapi("get_openapi")
        .docs("get_docs")
        .unrouted("reject_request")
        .priority_queue(
            "deliver",
            "deliveries",
            &[Priority::Critical, Priority::High, Priority::Normal, Priority::Low],
            deliver::handle,
        )
        .queue("expand_fan_out", "fanout", expand_fan_out::handle)
        .queue("take_feedback", "feedback", take_feedback::handle)
        .queue("take_requests", "requests", take_requests::handle)
        .logs("take_statuses", take_statuses::handle)
        .stream("forward_urgent", forward_urgent::handle)
        .stream("forward_rest", forward_rest::handle)
        .schedule("sweep_due", sweep_due::handle)
        .socket("on_connect", "$connect", Access::Public, on_connect::handle)
        .socket("on_disconnect", "$disconnect", Access::Public, on_disconnect::handle)
        .socket("on_ping", "$default", Access::Public, on_ping::handle)
}

/// What the handlers share. Clients are made when first used.
#[derive(Clone)]
pub struct App {
    store: Store,
    audiences: Audiences,
    providers: Providers,
    limiter: Limiter,
    limits: Limits,
    links: Links,
    cursors: CursorKey,
    ids: PurposeKey,
    settings: Arc<Settings>,
    rates: Rates,
    env: Env,
    sdk: Sdk,
    queues: Arc<OnceLock<PriorityQueue>>,
    connections: Arc<OnceLock<Connections>>,
    fan_outs: Arc<OnceLock<Queue>>,
    clock: Clock,
}

impl FromRef<App> for Limits {
    fn from_ref(app: &App) -> Self {
        app.limits.clone()
    }
}

impl App {
    /// Reads the template's variables; the clock is the system's, or a test's.
    ///
    /// # Errors
    /// When one is missing or unreadable.
    pub fn from_env(env: &Env, clock: Clock) -> Result<Self, Fault> {
        let (sdk, secret) = (Sdk::from_env(env)?, env.secret()?);
        let limits_table = dynamo::Table::new(sdk.dynamodb(), env.require("LIMITS_TABLE")?);
        let patience = env.parse_or("LIMITS_PATIENCE", 1_u32)?;
        Ok(Self {
            store: Store::new(
                dynamo::Table::new(sdk.dynamodb(), env.require("TABLE")?),
                env.parse_or("DUE_SHARDS", 8)?,
                Statuses::from_env(env)?,
            ),
            audiences: Audiences::new(&sdk, env.require("AUDIENCES_BUCKET")?),
            providers: Providers::from_env(env, &sdk, &secret)?,
            limiter: Limiter::new(limits_table, secret.key("limits")).patient(patience),
            limits: Limits::from_env(env, &sdk, &secret, clock.clone(), "notifications")?,
            links: Links::new(&secret, env.get("PUBLIC_URL").unwrap_or_default()),
            cursors: CursorKey::of(&secret),
            ids: secret.key("ids"),
            settings: Arc::new(Settings::from_env(env)?),
            rates: Rates::from_env(env)?,
            env: env.clone(),
            sdk,
            queues: Arc::default(),
            connections: Arc::default(),
            fan_outs: Arc::default(),
            clock,
        })
    }

    /// The queues of deliveries, by priority.
    fn queues(&self) -> Result<&PriorityQueue, Fault> {
        if let Some(queues) = self.queues.get() {
            return Ok(queues);
        }
        let queues = PriorityQueue::from_env(&self.env, &self.sdk.sqs(), "DELIVERIES", &Priority::ALL)?;
        Ok(self.queues.get_or_init(|| queues))
    }

    /// The queue of fan-outs.
    fn fan_outs(&self) -> Result<&Queue, Fault> {
        if let Some(queue) = self.fan_outs.get() {
            return Ok(queue);
        }
        let queue = Queue::new(self.sdk.sqs(), self.env.require("FANOUT_QUEUE_URL")?);
        Ok(self.fan_outs.get_or_init(|| queue))
    }
}
