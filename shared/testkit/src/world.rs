//! A system alive in this process: its Lambdas on tables and queues of its own, made from its own template.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws::Sdk;
use aws::env::Env;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use runtime::{Function, Record, System, Trigger};
use serde_json::Value;
use types::{Clock, Fault, Instant, random};

use crate::events;
use crate::seen::Seen;
use crate::tables::create_table;
use crate::template::Template;

/// Makes worlds of one system.
pub struct Worlds<A> {
    /// The system.
    pub system: fn() -> System<A>,
    /// Its App, by an environment and a clock.
    pub app: fn(&Env, Clock) -> Result<A, Fault>,
}

/// How a batch is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Once, in order.
    Once,
    /// Everything twice, shuffled, in batches of three: at least once and in any order. The seed is printed.
    TwiceShuffled(u64),
}

/// One stage of a system, owned by one test.
pub struct World<A> {
    system: System<A>,
    functions: BTreeMap<&'static str, Arc<Function<A>>>,
    env: Env,
    sdk: Sdk,
    /// The clock that all its Lambdas read.
    pub clock: Clock,
    /// Physical names by logical id.
    names: BTreeMap<String, String>,
    read: BTreeMap<&'static str, usize>,
    seen: Seen,
    /// What every invocation so far did.
    pub records: Vec<Record>,
}

impl<A: Clone + Send + Sync + 'static> Worlds<A> {
    /// A fresh world; `changes` replace variables of the template's environment.
    ///
    /// # Errors
    /// When there is no emulator, or the template cannot be made.
    pub async fn make(&self, changes: &[(&str, &str)]) -> Result<World<A>> {
        let system = (self.system)();
        let template = Template::of_system(system.name())?;
        let base = Env::of_process();
        base.get("AWS_ENDPOINT_URL").context("these tests need an emulator in AWS_ENDPOINT_URL: run `make test`")?;
        let sdk = Sdk::from_env(&base)?;
        let stage = format!("t{}", random::base62(11).to_ascii_lowercase());
        let mut names = BTreeMap::from([("Stage".to_owned(), stage.clone())]);
        for (id, properties) in template.resources("AWS::DynamoDB::Table") {
            let name = template.text(&properties["TableName"], &names)?;
            create_table(&sdk, &name, properties).await?;
            names.insert(id.to_owned(), name);
        }
        for (id, properties) in template.resources("AWS::SQS::Queue") {
            let name = template.text(&properties["QueueName"], &names)?;
            let queue = sdk.sqs().create_queue().queue_name(name).send().await?;
            names.insert(id.to_owned(), queue.queue_url.context("a queue has a URL")?);
        }
        let bus = format!("{stage}-almanac");
        sdk.eventbridge().create_event_bus().name(bus).send().await?;
        let seen = Seen::of(&base, &stage, !changes.is_empty());
        let mut env = base.with("STAGE", stage);
        for (name, value) in template.environment(&names)? {
            env = env.with(&name, value);
        }
        for (name, value) in changes {
            env = env.with(name, *value);
        }
        let clock = Clock::stopped(Instant::from_seconds(1_800_000_000));
        let app = (self.app)(&env, clock.clone())?;
        let functions = functions(&system, &app);
        Ok(World { system, functions, env, sdk, clock, names, read: BTreeMap::new(), seen, records: Vec::new() })
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
        let handler = self.route(method, target.split('?').next().unwrap_or_default())?;
        self.invoke(handler, &events::http(method, target, headers, body, caller)).await
    }

    /// The handler of a route: the most specific path wins, as in API Gateway.
    fn route(&self, method: &str, path: &str) -> Result<&'static str> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let segments: Vec<&str> = template.split('/').collect();
            let all = segments.iter().zip(&parts).all(|(segment, part)| segment.starts_with('{') || segment == part);
            let greedy = template.ends_with("+}") && segments.len() <= parts.len() && parts.last() != Some(&"");
            // A greedy parameter is the last resort.
            let rank = segments.iter().filter(|s| s.starts_with('{')).count() + if greedy { 100 } else { 0 };
            (all && (greedy || segments.len() == parts.len())).then_some(rank)
        };
        let rows = self.system.rows().iter().filter_map(|row| match &row.trigger {
            Trigger::Http { method: own, path, .. } if own == method || (own == "GET" && method == "HEAD") => {
                Some((fits(path)?, row.handler))
            }
            _ => None,
        });
        let unrouted = self.system.rows().iter().find(|row| row.trigger == Trigger::Unrouted).map(|row| row.handler);
        let handler = rows.min_by_key(|(wildcards, _)| *wildcards).map(|(_, handler)| handler).or(unrouted);
        handler.with_context(|| format!("{method} {path} has no route"))
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

    /// Hands everything that waits in a worker's queue to it; returns how many messages there were.
    ///
    /// # Errors
    /// When the worker fails, also of single messages.
    pub async fn drain(&mut self, handler: &str, delivery: Delivery) -> Result<usize> {
        let row = self.system.rows().iter().find(|row| row.handler == handler);
        let Some(Trigger::Queue(queue)) = row.map(|row| row.trigger.clone()) else { bail!("{handler} has no queue") };
        let name = format!("{}-{}-{queue}", self.names["Stage"], self.system.name());
        let url = self.names.values().find(|url| url.ends_with(&format!("/{name}")));
        let url = url.with_context(|| format!("the template has no queue {name}"))?.clone();
        let sqs = self.sdk.sqs();
        let mut messages = Vec::new();
        loop {
            let batch = sqs.receive_message().queue_url(&url).max_number_of_messages(10).send().await?;
            if batch.messages().is_empty() {
                break;
            }
            for message in batch.messages() {
                messages.push((text(message.message_id())?, text(message.body())?));
                let receipt = message.receipt_handle().unwrap_or_default();
                sqs.delete_message().queue_url(&url).receipt_handle(receipt).send().await?;
            }
        }
        let waited = messages.len();
        for batch in batches(messages, delivery) {
            let answer = self.invoke(handler, &events::queue(&batch)).await?;
            anyhow::ensure!(answer["batchItemFailures"] == serde_json::json!([]), "{handler}: {answer}");
        }
        Ok(waited)
    }

    /// Hands the table's changes that a stream worker has not seen to it; returns how many there were.
    ///
    /// # Errors
    /// When the worker fails.
    pub async fn stream(&mut self, handler: &'static str, delivery: Delivery) -> Result<usize> {
        let changes = self.changes().await?;
        let seen = self.read.insert(handler, changes.len()).unwrap_or_default();
        let fresh = changes[seen..].to_vec();
        let count = fresh.len();
        for batch in batches(fresh, delivery) {
            self.invoke(handler, &serde_json::json!({ "Records": batch })).await?;
        }
        Ok(count)
    }

    async fn changes(&self) -> Result<Vec<Value>> {
        let client = aws_sdk_dynamodbstreams::Client::new(self.sdk.config());
        let table = self.env.get("TABLE").context("TABLE")?;
        let streams = client.list_streams().table_name(table).send().await?;
        let arn = streams.streams().first().and_then(|s| s.stream_arn()).context("the table has a stream")?.to_owned();
        let stream = client.describe_stream().stream_arn(&arn).send().await?;
        let mut changes = Vec::new();
        for shard in stream.stream_description.iter().flat_map(|stream| stream.shards()) {
            let shard = shard.shard_id().unwrap_or_default();
            let from = ShardIteratorType::TrimHorizon;
            let start =
                client.get_shard_iterator().stream_arn(&arn).shard_id(shard).shard_iterator_type(from).send().await?;
            let mut iterator = start.shard_iterator;
            while let Some(at) = iterator {
                let page = client.get_records().shard_iterator(at).send().await?;
                if page.records().is_empty() {
                    break;
                }
                changes.extend(page.records().iter().map(events::change));
                iterator = page.next_shard_iterator;
            }
        }
        Ok(changes)
    }
}

fn text(text: Option<&str>) -> Result<String> {
    text.map(str::to_owned).context("a message has an id and a body")
}

fn batches<T: Clone>(items: Vec<T>, delivery: Delivery) -> Vec<Vec<T>> {
    let Delivery::TwiceShuffled(seed) = delivery else {
        return if items.is_empty() { Vec::new() } else { vec![items] };
    };
    let mut doubled: Vec<T> = items.iter().chain(&items).cloned().collect();
    let mut state = seed;
    for index in (1..doubled.len()).rev() {
        // A linear congruential generator (Knuth's constants): repeatable from the printed seed.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap_or_default() % (index + 1);
        doubled.swap(index, other);
    }
    doubled.chunks(3).map(<[T]>::to_vec).collect()
}
