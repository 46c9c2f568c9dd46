//! A system alive in this process: its Lambdas on tables and queues of its own, made from its own template.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws::Sdk;
use aws::env::Env;
use runtime::{Function, Record, System, Trigger};
use serde_json::Value;
use tokio::sync::Notify;
use types::{Clock, Fault, Instant, random};

use crate::events;
use crate::faults::Faults;
use crate::feed::{Delivery, Feed, batches, receive};
use crate::process::Process;
use crate::proxy::{Proxy, UNDISTURBED};
use crate::sandbox::{Sandbox, route};
use crate::seen::Seen;
use crate::tables::create_tables;
use crate::template::Template;

/// Whose the emulator is.
const ACCOUNT: &str = "000000000000";

/// Makes worlds of one system.
pub struct Worlds<A> {
    /// The system.
    pub system: fn() -> System<A>,
    /// Its App, by an environment and a clock.
    pub app: fn(&Env, Clock) -> Result<A, Fault>,
}

/// One stage of a system, owned by one test.
pub struct World<A> {
    system: System<A>,
    app: fn(&Env, Clock) -> Result<A, Fault>,
    functions: BTreeMap<&'static str, Arc<Function<A>>>,
    env: Env,
    sdk: Sdk,
    /// The clock that all its Lambdas read.
    pub clock: Clock,
    /// Physical names by logical id.
    names: BTreeMap<String, String>,
    feed: Feed,
    read: BTreeMap<&'static str, usize>,
    seen: Arc<Seen>,
    pub(crate) proxy: Option<Proxy>,
    /// What every invocation so far did.
    pub records: Vec<Record>,
}

impl<A: Clone + Send + Sync + 'static> Worlds<A> {
    /// A fresh world; `changes` replace variables of the template's environment.
    ///
    /// # Errors
    /// When there is no emulator, or the template cannot be made.
    pub async fn make(&self, changes: &[(&str, &str)]) -> Result<World<A>> {
        self.make_with(changes, None).await
    }

    /// A fresh world whose Lambdas meet `faults` when they call AWS.
    ///
    /// # Errors
    /// When there is no emulator, or the template cannot be made.
    pub async fn make_with(&self, changes: &[(&str, &str)], faults: Option<Faults>) -> Result<World<A>> {
        let system = (self.system)();
        let template = Template::of_system(system.name())?;
        let base = Env::of_process();
        let emulator = base.get("AWS_ENDPOINT_URL");
        let emulator = emulator.context("these tests need an emulator in AWS_ENDPOINT_URL: run `make test`")?;
        let proxy = match faults {
            Some(faults) => Some(Proxy::start(emulator, base.require("AWS_ACCESS_KEY_ID")?, faults).await?),
            None => None,
        };
        let sdk = Sdk::from_env(&base)?;
        let stage = format!("t{}", random::base62(11).to_ascii_lowercase());
        let account = ("AWS::AccountId".to_owned(), ACCOUNT.to_owned());
        let mut names = BTreeMap::from([("Stage".to_owned(), stage.clone()), account]);
        // What every stage has, and then the system's own.
        create_tables(&sdk, &Template::of_system("platform")?, &mut names).await?;
        create_tables(&sdk, &template, &mut names).await?;
        for (id, properties) in template.resources("AWS::SQS::Queue") {
            let name = template.text(&properties["QueueName"], &names)?;
            let queue = sdk.sqs().create_queue().queue_name(name).send().await?;
            names.insert(id.to_owned(), queue.queue_url.context("a queue has a URL")?);
        }
        for (id, properties) in template.resources("AWS::S3::Bucket") {
            let name = template.text(&properties["BucketName"], &names)?;
            sdk.s3().create_bucket().bucket(&name).send().await?;
            names.insert(id.to_owned(), name);
        }
        let bus = format!("{stage}-almanac");
        sdk.eventbridge().create_event_bus().name(bus).send().await?;
        let seen = Arc::new(Seen::of(&base, &stage, !changes.is_empty() || proxy.is_some()));
        // A busy machine must not make limits fail open.
        let mut env = base.with("STAGE", stage).with("LIMITS_PATIENCE", "20");
        if let Some(proxy) = &proxy {
            env = env.with("AWS_ENDPOINT_URL", format!("http://{}", proxy.address));
        }
        for (name, value) in template.environment(&names)? {
            env = env.with(&name, value);
        }
        for (name, value) in changes {
            env = env.with(name, *value);
        }
        let clock = Clock::stopped(Instant::from_seconds(1_800_000_000));
        let app = (self.app)(&env, clock.clone())?;
        let functions = functions(&system, &app);
        let (feed, read, records) = (Feed::default(), BTreeMap::new(), Vec::new());
        Ok(World { system, app: self.app, functions, env, sdk, clock, names, feed, read, seen, proxy, records })
    }
}

fn functions<A: Clone + Send + Sync + 'static>(
    system: &System<A>,
    app: &A,
) -> BTreeMap<&'static str, Arc<Function<A>>> {
    let rows = system.rows().iter();
    rows.map(|row| (row.handler, Arc::new(Function::new(system, row.handler, app.clone())))).collect()
}

impl<A: Clone + Send + Sync + 'static> World<A> {
    /// The functions of one more sandbox: the same tables and queues, memory of its own.
    ///
    /// # Errors
    /// When the App cannot be made.
    pub fn sandbox(&self, worlds: &Worlds<A>) -> Result<BTreeMap<&'static str, Arc<Function<A>>>> {
        Ok(functions(&self.system, &(worlds.app)(&self.env, self.clock.clone())?))
    }

    /// One more sandbox, which can be killed: `name` is its access key, by which faults find it.
    ///
    /// # Errors
    /// When the App cannot be made.
    pub fn killable(&self, name: &str) -> Result<Sandbox<A>> {
        let (env, death) = self.mortal(name);
        Sandbox::start(self.system.clone(), self.app, env, self.clock.clone(), death, Arc::clone(&self.seen))
    }

    /// A Lambda in a process of its own, by the machine's clock; `name` is its access key.
    ///
    /// # Errors
    /// When there is no port for it.
    pub async fn process(&self, handler: &str, name: &str) -> Result<Process> {
        let (env, death) = self.mortal(name);
        Process::new(self.system.name(), handler, &env, death).await
    }

    fn mortal(&self, name: &str) -> (Env, Arc<Notify>) {
        let env = self.env.clone();
        match &self.proxy {
            Some(proxy) => (env.with("AWS_ACCESS_KEY_ID", name), proxy.death_of(name)),
            None => (env, Arc::default()),
        }
    }

    /// A sandbox that meets no faults, for looking at what is there.
    ///
    /// # Errors
    /// When the App cannot be made.
    pub fn undisturbed(&self) -> Result<Sandbox<A>> {
        self.killable(UNDISTURBED)
    }

    /// The system.
    pub fn system(&self) -> &System<A> {
        &self.system
    }

    /// The emulator, as the Lambdas reach it.
    pub fn sdk(&self) -> &Sdk {
        &self.sdk
    }

    /// A variable of the Lambdas' environment.
    pub fn env(&self, name: &str) -> &str {
        self.env.get(name).unwrap_or_default()
    }

    /// The row's own name of a handler.
    ///
    /// # Errors
    /// When there is none.
    pub fn handler(&self, name: &str) -> Result<&'static str> {
        let row = self.system.rows().iter().find(|row| row.handler == name);
        Ok(row.with_context(|| format!("there is no handler {name}"))?.handler)
    }

    /// Calls the Lambda that the gateway would route the request to.
    ///
    /// # Errors
    /// When the answer is none.
    pub async fn http(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: Option<&Value>,
        caller: Option<(&str, &str, &str)>,
    ) -> Result<Value> {
        let handler = route(&self.system, method, target.split('?').next().unwrap_or_default())?;
        self.invoke(handler, &events::http(method, target, headers, body, caller)).await
    }

    /// Invokes a Lambda with an event.
    ///
    /// # Errors
    /// The fault that the Lambda answered.
    pub async fn invoke(&mut self, handler: &str, event: &Value) -> Result<Value> {
        let function = self.functions.get(handler).with_context(|| format!("there is no handler {handler}"))?;
        let id = random::uuid().to_string();
        let outcome = function.invoke(&event.to_string(), &id, Duration::from_secs(20)).await;
        self.seen.note(&outcome.record);
        self.records.push(outcome.record);
        let answer = outcome.answer.map_err(|fault| anyhow::anyhow!("{handler}: {}", fault.chain()))?;
        Ok(serde_json::from_str(&answer)?)
    }

    /// Hands everything that waits in a worker's queue to it, of several the most urgent first; returns how many
    /// messages there were.
    ///
    /// # Errors
    /// When the worker fails, also of single messages.
    pub async fn drain(&mut self, handler: &str, delivery: Delivery) -> Result<usize> {
        let mut waited = 0;
        for url in self.queues(handler)? {
            let messages = receive(&self.sdk, &url).await?;
            waited += messages.len();
            for batch in batches(messages, delivery) {
                let answer = self.invoke(handler, &serde_json::json!({ "Records": batch })).await?;
                anyhow::ensure!(answer["batchItemFailures"] == serde_json::json!([]), "{handler}: {answer}");
            }
        }
        Ok(waited)
    }

    /// Takes the messages that wait in a worker's queues.
    ///
    /// # Errors
    /// When a queue cannot be read.
    pub async fn messages(&self, handler: &str) -> Result<Vec<Value>> {
        let mut messages = Vec::new();
        for url in self.queues(handler)? {
            messages.extend(receive(&self.sdk, &url).await?);
        }
        Ok(messages)
    }

    /// The URLs of a worker's queues, the most urgent first.
    fn queues(&self, handler: &str) -> Result<Vec<String>> {
        let row = self.system.rows().iter().find(|row| row.handler == handler);
        let queues = match row.map(|row| row.trigger.clone()) {
            Some(Trigger::Queue(queue)) => vec![queue.to_owned()],
            Some(Trigger::PriorityQueue(queue, priorities)) => {
                priorities.iter().map(|priority| format!("{queue}-{priority}")).collect()
            }
            _ => bail!("{handler} has no queue"),
        };
        let url = |queue: String| {
            let name = format!("{}-{}-{queue}", self.names["Stage"], self.system.name());
            let url = self.names.values().find(|url| url.ends_with(&format!("/{name}")));
            url.cloned().with_context(|| format!("the template has no queue {name}"))
        };
        queues.into_iter().map(url).collect()
    }

    /// Hands the table's changes that a stream worker has not seen to it; returns how many there were.
    ///
    /// # Errors
    /// When the worker fails.
    pub async fn stream(&mut self, handler: &'static str, delivery: Delivery) -> Result<usize> {
        let fresh = self.unseen(handler).await?;
        let count = fresh.len();
        for batch in batches(fresh, delivery) {
            self.invoke(handler, &serde_json::json!({ "Records": batch })).await?;
        }
        Ok(count)
    }

    /// The table's changes that a stream worker has not seen.
    pub(crate) async fn unseen(&mut self, handler: &'static str) -> Result<Vec<Value>> {
        let all = self.changes().await?.len();
        let seen = self.read.insert(handler, all).unwrap_or_default();
        Ok(self.feed.changes[seen..].to_vec())
    }

    /// All changes of the table so far, in order, as Lambda gets them.
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub async fn changes(&mut self) -> Result<&[Value]> {
        self.feed.read(&self.sdk, self.env.get("TABLE").context("TABLE")?).await?;
        Ok(&self.feed.changes)
    }
}
