//! Ledger: double-entry books that always balance, with holds, statements and a journal.

mod books;
pub mod domain;
pub mod events;
mod export;
mod problems;
mod statement;
pub mod store;
mod view;

mod handlers {
    pub mod check_health;
    pub mod checkpoint_balances;
    pub mod create_account;
    pub mod create_transaction;
    pub mod expire_transactions;
    pub mod export_journal;
    pub mod get_account;
    pub mod get_transaction;
    pub mod list_accounts;
    pub mod list_entries;
    pub mod post_transaction;
    pub mod publish_changes;
    pub mod reverse_transaction;
    pub mod sweep_due;
    pub mod take_postings;
    pub mod void_transaction;
}

use std::sync::{Arc, OnceLock};

use aws::Sdk;
use aws::env::Env;
use runtime::{System, endpoint};
use types::{Clock, Fault};
use web::{Access, CursorKey, Method};
use work::{Publisher, Queue};

use crate::store::Store;
use handlers::{
    check_health, checkpoint_balances, create_account, create_transaction, expire_transactions, export_journal,
    get_account, get_transaction, list_accounts, list_entries, post_transaction, publish_changes, reverse_transaction,
    sweep_due, take_postings, void_transaction,
};

const WRITE: Access = Access::Scope("ledger:write");
const READ: Access = Access::Scope("ledger:read");

/// The Lambdas of ledger.
pub fn system() -> System<App> {
    System::named("ledger")
        .problems(problems::ALL)
        .http("check_health", Method::GET, "/health", Access::Public, endpoint!(check_health))
        .openapi("get_openapi")
        .docs("get_docs")
        .http("create_account", Method::POST, "/accounts", WRITE, endpoint!(create_account))
        .http("list_accounts", Method::GET, "/accounts", READ, endpoint!(list_accounts))
        .http("get_account", Method::GET, "/accounts/{id}", READ, endpoint!(get_account))
        .http("list_entries", Method::GET, "/accounts/{id}/entries", READ, endpoint!(list_entries))
        .http("create_transaction", Method::POST, "/transactions", WRITE, endpoint!(create_transaction))
        .http("get_transaction", Method::GET, "/transactions/{id}", READ, endpoint!(get_transaction))
        .http("post_transaction", Method::POST, "/transactions/{id}/post", WRITE, endpoint!(post_transaction))
        .http("void_transaction", Method::POST, "/transactions/{id}/void", WRITE, endpoint!(void_transaction))
        .http("reverse_transaction", Method::POST, "/transactions/{id}/reverse", WRITE, endpoint!(reverse_transaction))
        .http("export_journal", Method::GET, "/ledger/export", READ, endpoint!(export_journal))
        .queue("take_postings", "postings", take_postings::handle)
        .queue("expire_transactions", "expiries", expire_transactions::handle)
        .schedule("sweep_due", sweep_due::handle)
        .stream("checkpoint_balances", checkpoint_balances::handle)
        .stream("publish_changes", publish_changes::handle)
        .unrouted("reject_request")
}

/// What the handlers share. Clients are made when first used.
#[derive(Clone)]
pub struct App {
    store: Store,
    /// Changes of a balance between two of its checkpoints.
    every: u32,
    /// Entries between two checkpoints where there are very many.
    step: usize,
    cursors: CursorKey,
    env: Env,
    sdk: Sdk,
    bus: Arc<OnceLock<Publisher>>,
    expiries: Arc<OnceLock<Queue>>,
    clock: Clock,
}

impl App {
    /// Reads the template's variables; the clock is the system's, or a test's.
    ///
    /// # Errors
    /// When one is missing or unreadable.
    pub fn from_env(env: &Env, clock: Clock) -> Result<Self, Fault> {
        let (sdk, secret) = (Sdk::from_env(env)?, env.secret()?);
        let table = dynamo::Table::new(sdk.dynamodb(), env.require("TABLE")?);
        Ok(Self {
            store: Store::new(table, env.parse_or("DUE_SHARDS", 4)?),
            every: env.parse_or("CHECKPOINT_EVERY", 1000)?,
            step: env.parse_or("CHECKPOINT_STEP", 50_000)?,
            cursors: CursorKey::of(&secret),
            env: env.clone(),
            sdk,
            bus: Arc::default(),
            expiries: Arc::default(),
            clock,
        })
    }

    /// The stage's bus.
    fn publisher(&self) -> Result<&Publisher, Fault> {
        if let Some(bus) = self.bus.get() {
            return Ok(bus);
        }
        let bus = Publisher::new(self.sdk.eventbridge(), self.env.require("BUS")?, events::SOURCE);
        Ok(self.bus.get_or_init(|| bus))
    }

    /// The queue of holds whose time is over.
    fn expiries(&self) -> Result<&Queue, Fault> {
        if let Some(queue) = self.expiries.get() {
            return Ok(queue);
        }
        let queue = Queue::new(self.sdk.sqs(), self.env.require("EXPIRIES_QUEUE_URL")?);
        Ok(self.expiries.get_or_init(|| queue))
    }
}
