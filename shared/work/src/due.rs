//! Work that is due later than a queue can keep it (SQS: 15 minutes): retries after 30 minutes and 2 hours, reminders,
//! digests.
//!
//! Each piece waits as an item of the system's own table, in the bucket of the minute it is due in:
//! `pk = DUE#<minute>#<shard>`, `sk = <due millis>#<id>`. A Lambda on a schedule of one minute calls
//! [`DueBuckets::sweep`], which claims what is due by a fenced lease, hands it over (to a queue, or to a handler), and
//! deletes it. A note (`DUE`, `WATERMARK`) says from which minute on anything may wait, so a late sweep catches up.
//!
//! What is urgent has buckets of its own ([`DueBuckets::named`]), which are swept first.
//!
//! What is promised, and what is not:
//! * **The claim is exclusive.** Of any number of sweeps at once, one hands a piece over; another may only after
//!   [`CLAIM`] has passed without the first one finishing, and then with a larger token.
//! * **The effect is exactly once** for a handler that commits it in one transaction with [`Claim::settle`]: whoever
//!   lost the claim meanwhile is refused, and with it the effect.
//! * **Delivery to a queue is at least once**, as SQS's own is: a sweep that dies between handing over and deleting
//!   leaves a piece that the next one hands over again. The message carries its own id, by which the worker knows it.
//! * **Nothing is early** by the sweep's clock, and nothing is lost: a piece is deleted only after it was handed over.
//!   Clocks may differ by [`SETTLED`] less the time that a write takes.
//!
//! Costs: 1 write to schedule (and one more by each sandbox, once), 2 writes to carry, and for each sweep ½ read for
//! each shard of some six minutes: with 4 shards about 0.07 dollars a month.

mod sweep;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dynamo::{Item, Key, Lease, Table, Transaction, UpdateExpression, missing};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use types::{Fault, Instant, Trace};

use crate::send::{Outgoing, Queue};
pub use sweep::Swept;

/// How long a claim lasts: far longer than handing ten pieces over takes.
pub const CLAIM: Duration = Duration::from_secs(60);
/// A minute is left behind this long after its end: what clocks may differ by, and a slow write may take.
pub const SETTLED: Duration = Duration::from_secs(300);
/// Longest message, in bytes of JSON: an item holds 400 KB, and a claim must still fit in beside it.
pub const MOST_BYTES: usize = 380 * 1024;
/// What the keys begin with, unless there are several sets of buckets.
const DUE: &str = "DUE";

/// What waits in one table.
#[derive(Debug, Clone)]
pub struct DueBuckets {
    table: Table,
    name: &'static str,
    shards: u8,
    noted: Arc<AtomicBool>,
}

/// A piece of work that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DueItem {
    /// What its key begins with, where that is not `DUE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    buckets: Option<String>,
    id: String,
    due_at: i64,
    shard: u8,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    /// When it was set aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dead_at: Option<i64>,
}

/// Where a piece of work waits, to cancel it by. It may be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// When it is due, in milliseconds: as asked for, or when it was scheduled if that was later.
    pub due_at: i64,
    /// Its id.
    pub id: String,
    /// The partition of its minute.
    pub shard: u8,
}

/// How a cancellation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It will not be handed over (again, after an attempt that reported failure).
    Now,
    /// Nothing waits there: it was handed over, or cancelled before.
    Gone,
    /// It is being handed over at this moment, or was by a sweep that died: then the next one hands it over.
    Busy,
}

/// A piece of work that is due, and is ours to hand over.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its id.
    pub id: String,
    /// When it was due.
    pub due_at: Instant,
    /// The trace of whoever scheduled it.
    pub trace: Option<Trace>,
    /// Whose it is, for the queue that it goes to.
    pub tenant: Option<String>,
    message: String,
    lease: Lease,
}

#[derive(Deserialize)]
struct Watermark {
    minute: i64,
}

impl Item for DueItem {
    fn key(&self) -> Key {
        let at = Instant::from_millis(self.due_at);
        let sk = format!("{}#{}", at.sortable(), self.id);
        let name = self.buckets.as_deref().unwrap_or(DUE);
        match self.dead_at {
            None => Key::new(bucket(name, minute(at), self.shard), sk),
            // What was set aside, for a person.
            Some(_) => Key::new(format!("{name}#dead"), sk),
        }
    }
}

impl DueBuckets {
    /// What waits in `table`, each minute in `shards` partitions (at least 1). A partition takes 1,000 writes a second
    /// and carrying a piece takes two, so a sweep carries at most some 500 a second from each. The number must not
    /// shrink while anything waits. Where it grows, what is scheduled again meanwhile may be another piece.
    pub fn new(table: Table, shards: u8) -> Self {
        Self { table, name: DUE, shards: shards.max(1), noted: Arc::default() }
    }

    /// The same under another name: a set of buckets of its own in the same table, which is swept for itself. What is
    /// urgent then waits behind nothing that is not. The name has no `#`.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        Self { name, noted: Arc::default(), ..self }
    }

    /// Schedules `message` for `at`, or at once if that has passed: one conditional write. Scheduling the same id for
    /// the same time again changes nothing while that time is to come. Once it has passed it makes another piece, so
    /// an effect that must be one knows its id. The message is JSON of at most [`MOST_BYTES`], and should carry the id.
    ///
    /// # Errors
    /// When the table cannot be written; whether it was scheduled is then unknown, and scheduling again before `at`
    /// settles it.
    pub async fn schedule<T: Serialize>(
        &self,
        id: &str,
        at: Instant,
        message: &T,
        now: Instant,
    ) -> Result<Ticket, Fault> {
        let item = self.item(id, at, message, now).await?;
        let standing = self.table.put(&item).when(missing("pk")).send_or(|_: Option<DueItem>| ()).await?;
        if standing.is_err() {
            aws::count("due_repeated", 1.0);
        }
        Ok(item.ticket())
    }

    /// The item to write oneself, in one transaction with what it belongs to, under the condition `missing("pk")` and
    /// within a minute of `now`: the rest of [`SETTLED`] is for clocks that differ.
    ///
    /// # Errors
    /// When the message cannot be written as JSON or is too long, or the note of the first minute not in the table.
    pub async fn item<T: Serialize>(&self, id: &str, at: Instant, message: &T, now: Instant) -> Result<DueItem, Fault> {
        if !self.noted.load(Ordering::Relaxed) {
            // Sweeps begin where the first piece may be: without a note there is nothing.
            let expression = UpdateExpression::new().set("minute", minute(now - SETTLED)).when(missing("pk"));
            let noted = self.table.update(self.watermark()).apply(expression);
            noted.send_or::<IgnoredAny, IgnoredAny, ()>(|_| ()).await?.ok();
            self.noted.store(true, Ordering::Relaxed);
        }
        let message = serde_json::to_string(message).map_err(|e| Fault::permanent("writing a message").caused_by(e))?;
        if message.len() > MOST_BYTES {
            return Err(Fault::permanent(format!("a message that is due later has {} bytes", message.len())));
        }
        let traceparent = aws::trace().map(|trace| trace.to_string());
        let due_at = at.max(now).millis();
        let buckets = Some(self.name).filter(|&name| name != DUE).map(str::to_owned);
        Ok(DueItem { buckets, id: id.to_owned(), due_at, shard: self.shard(id), message, traceparent, dead_at: None })
    }

    /// Takes back what was scheduled: one conditional write.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn cancel(&self, ticket: &Ticket) -> Result<Cancelled, Fault> {
        let at = Instant::from_millis(ticket.due_at);
        let sk = format!("{}#{}", at.sortable(), ticket.id);
        let delete = self.table.delete(Key::new(bucket(self.name, minute(at), ticket.shard), sk));
        let deleted = delete.when(missing("lease_holder")).send_or::<IgnoredAny, ()>(|_| ()).await?;
        Ok(match deleted {
            Ok(Some(_)) => Cancelled::Now,
            Ok(None) => Cancelled::Gone,
            Err(()) => Cancelled::Busy,
        })
    }

    fn watermark(&self) -> Key {
        Key::new(self.name, "WATERMARK")
    }

    fn shard(&self, id: &str) -> u8 {
        u8::try_from(types::fnv1a(id) % u64::from(self.shards)).unwrap_or_default()
    }
}

impl DueItem {
    /// Where it waits.
    pub fn ticket(&self) -> Ticket {
        Ticket { due_at: self.due_at, id: self.id.clone(), shard: self.shard }
    }
}

impl Claim {
    fn of(item: DueItem, lease: Lease) -> Self {
        let trace = item.traceparent.and_then(|parent| Trace::parse(&parent, ""));
        Self {
            id: item.id,
            due_at: Instant::from_millis(item.due_at),
            trace,
            tenant: None,
            message: item.message,
            lease,
        }
    }

    /// The message.
    ///
    /// # Errors
    /// A permanent fault when it is not a `T`.
    pub fn message<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_str(&self.message).map_err(|e| Fault::permanent("reading what is due").caused_by(e))
    }

    /// How often it was claimed, this time included.
    pub fn attempt(&self) -> u64 {
        self.lease.token
    }

    /// Adds its end to the transaction of its effect: together they happen once, or are refused with `lost` because
    /// another sweep claimed it meanwhile.
    ///
    /// # Errors
    /// As [`Transaction::delete`].
    pub fn settle<'a, R: Send + 'a>(
        &self,
        transaction: Transaction<'a, R>,
        lost: R,
    ) -> Result<Transaction<'a, R>, Fault> {
        transaction.delete(self.lease.key(), &self.lease.held(), |_: Option<IgnoredAny>| lost)
    }
}

impl Queue {
    /// Sends what is due to this queue: what [`DueBuckets::sweep`] is given as `carry`. A message belongs to the trace
    /// of whoever scheduled it.
    ///
    /// # Errors
    /// None; the ids of what was not sent are returned.
    pub async fn carry(&self, claims: Vec<Claim>) -> Result<BTreeSet<String>, Fault> {
        let outgoing = |claim: Claim| {
            let message = Outgoing::written(claim.message, claim.trace);
            (claim.id, message.of(&claim.tenant.unwrap_or_default()))
        };
        let (ids, messages): (Vec<String>, Vec<Outgoing>) = claims.into_iter().map(outgoing).unzip();
        let not_sent = self.send_all(&messages).await;
        for each in &not_sent {
            tracing::error!(id = ids[each.index], fault = each.fault.chain(), "what is due was not sent");
        }
        Ok(not_sent.into_iter().map(|each| ids[each.index].clone()).collect())
    }
}

fn minute(at: Instant) -> i64 {
    at.seconds().div_euclid(60)
}

fn bucket(name: &str, minute: i64, shard: u8) -> String {
    format!("{name}#{minute}#{shard}")
}
