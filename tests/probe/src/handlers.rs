//! The probe's handlers. What each saw stands in the table under `SEEN#<what>`, for the tests to read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dynamo::{Item, Key, UpdateExpression};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Fault;
use web::{Body, Connections, Gone, NoContent, Problem, SocketEvent, State};
use work::{Batch, BatchOutcome, Claim, ObjectChange, ObjectEvent, Outgoing, Priority};

use crate::App;

/// A message to deliver.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    id: String,
    priority: String,
    /// When it is due; at once where it is left out.
    #[serde(default)]
    in_seconds: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Connection {
    id: String,
}

impl Item for Connection {
    fn key(&self) -> Key {
        Key::new("CONNECTIONS", self.id.as_str())
    }
}

fn priority(name: &str) -> Option<Priority> {
    Priority::ALL.into_iter().find(|priority| priority.name() == name)
}

async fn see(app: &App, what: &str, how: &str) -> Result<(), Fault> {
    let expression = UpdateExpression::new().add("times", 1_u64).set("how", how);
    app.table.update(Key::new(format!("SEEN#{what}"), "SEEN")).apply(expression).send().await
}

/// One message, or one write that becomes one.
pub async fn send_message(State(app): State<App>, Body(delivery): Body<Delivery>) -> Result<NoContent, Problem> {
    let Some(priority) = priority(&delivery.priority) else {
        return Err(Problem::bad_request("probe/no-such-priority", "There is no such priority"));
    };
    let now = app.clock.now();
    match delivery.in_seconds {
        None => app.deliveries.send(priority, &Outgoing::new(&delivery)?).await?,
        Some(seconds) => {
            app.due.schedule(&delivery.id, now + Duration::from_secs(seconds), &delivery, now).await.map(drop)?;
        }
    }
    Ok(NoContent)
}

/// A worker with priorities.
pub async fn deliver(app: App, batch: Batch<Delivery>) -> Result<BatchOutcome, Fault> {
    let how = batch.priority.map_or("none", Priority::name);
    for message in &batch.messages {
        see(&app, &message.body.id, how).await?;
    }
    Ok(batch.outcome([]))
}

/// What is due goes to its priority's queue.
pub async fn sweep_due(app: App) -> Result<(), Fault> {
    let carry = |claims: Vec<Claim>| async {
        let (mut failed, mut by_priority) = (BTreeSet::new(), BTreeMap::<_, Vec<Claim>>::new());
        for claim in claims {
            // What cannot be read keeps the others of its ten not back.
            match claim.message::<Delivery>().ok().and_then(|delivery| priority(&delivery.priority)) {
                Some(priority) => by_priority.entry(priority).or_default().push(claim),
                None => drop(failed.insert(claim.id)),
            }
        }
        for (priority, claims) in by_priority {
            failed.extend(app.deliveries.of(priority)?.carry(claims).await?);
        }
        Ok(failed)
    };
    app.due.sweep(&app.clock, 10_000, carry).await.map(drop)
}

/// What was put into the bucket.
pub async fn on_upload(app: App, events: Vec<ObjectEvent>) -> Result<(), Fault> {
    for event in events.iter().filter(|event| event.change == ObjectChange::Created) {
        see(&app, &event.key, &format!("{} bytes", event.size)).await?;
    }
    Ok(())
}

/// A connection opens.
pub async fn on_connect(app: App, event: SocketEvent) -> Result<Option<String>, Problem> {
    let connection = Connection { id: event.connection().to_owned() };
    app.table.put(&connection).send_or(|_| ()).await?.ok();
    Ok(None)
}

/// A connection closes.
pub async fn on_disconnect(app: App, event: SocketEvent) -> Result<Option<String>, Problem> {
    app.table.delete(Key::new("CONNECTIONS", event.connection())).send_or::<Connection, ()>(|_| ()).await?.ok();
    see(&app, event.connection(), "closed").await?;
    Ok(None)
}

/// The message back, with who sent it.
pub async fn echo(_: App, event: SocketEvent) -> Result<Option<String>, Problem> {
    let caller = event.caller().map(|caller| caller.id).unwrap_or_default();
    let body = event.body.as_deref().unwrap_or_default();
    if body == "refuse" {
        return Err(Problem::bad_request("probe/refused", "As was asked for"));
    }
    Ok(Some(format!("{caller} {} {body}", event.connection())))
}

/// The message to every connection; those that are gone are forgotten.
pub async fn broadcast(app: App, event: SocketEvent) -> Result<Option<String>, Problem> {
    let connections = Connections::new(&app.sdk, &app.connections_url);
    let page = app.table.query("CONNECTIONS").strong().page::<Connection>(100).await?;
    let text = event.body.unwrap_or_default();
    for connection in page.items {
        if connections.post(&connection.id, &text).await? == Err(Gone) {
            app.table.delete(connection.key()).send_or::<Connection, ()>(|_| ()).await?.ok();
        }
    }
    Ok(None)
}
