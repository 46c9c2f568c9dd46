//! A system for the tests of what all systems stand on: one Lambda for each kind of row that no product has yet. It is
//! deployed by `localcloud test` and by nothing else.

mod handlers;

use aws::Sdk;
use aws::env::Env;
use dynamo::Table;
use runtime::{Endpoint, System};
use types::{Clock, Fault};
use web::{Access, Method};
use work::{DueBuckets, Priority, PriorityQueue};

/// Partitions of each minute.
const SHARDS: u8 = 2;
/// The queues of deliveries.
const PRIORITIES: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

/// The probe's Lambdas.
pub fn system() -> System<App> {
    let send = Endpoint { head: b"//! POST /messages: deliver a message.\n", run: handlers::send_message };
    System::named("probe")
        .http("send_message", Method::POST, "/messages", Access::Public, send)
        .priority_queue("deliver", "deliveries", &[Priority::High, Priority::Normal, Priority::Low], handlers::deliver)
        .schedule("sweep_due", handlers::sweep_due)
        .bucket("on_upload", "media", handlers::on_upload)
        .socket("on_connect", "$connect", Access::Scope("probe:write"), handlers::on_connect)
        .socket("on_disconnect", "$disconnect", Access::Public, handlers::on_disconnect)
        .socket("echo", "$default", Access::Scope("probe:write"), handlers::echo)
        .socket("broadcast", "broadcast", Access::Scope("probe:write"), handlers::broadcast)
}

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    table: Table,
    due: DueBuckets,
    deliveries: PriorityQueue,
    connections_url: String,
    sdk: Sdk,
    clock: Clock,
}

impl App {
    /// Reads the template's variables.
    ///
    /// # Errors
    /// When one is missing.
    pub fn from_env(env: &Env, clock: Clock) -> Result<Self, Fault> {
        let sdk = Sdk::from_env(env)?;
        let table = Table::new(sdk.dynamodb(), env.require("TABLE")?);
        Ok(Self {
            due: DueBuckets::new(table.clone(), SHARDS),
            table,
            deliveries: PriorityQueue::from_env(env, &sdk.sqs(), "DELIVERIES", &PRIORITIES)?,
            connections_url: env.get("CONNECTIONS_URL").unwrap_or_default().to_owned(),
            sdk,
            clock,
        })
    }
}
