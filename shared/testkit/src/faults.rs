//! What goes wrong between the code and AWS, drawn from a seed: the same seed, client and call give the same fault.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};

use serde_json::{Value, json};

/// Something that goes wrong with one request to AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Refused by the name that the service throttles with.
    Throttled,
    /// Answered 500 or 503; it had no effect.
    ServerError,
    /// The connection ends before the request arrives.
    RequestLost,
    /// It takes effect, and the connection ends before the answer.
    AnswerLost,
    /// It arrives late, by up to a tenth of a second: others overtake it.
    Delayed,
    /// `TransactWriteItems`: cancelled, since another transaction holds one of the items.
    Conflict,
    /// A batch (`PutEvents`, `SendMessageBatch`): one entry fails, the others take effect.
    PartialFailure,
    /// The process dies; the request never arrives.
    KilledBefore,
    /// The process dies; the request has taken effect.
    KilledAfter,
}

impl Fault {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::ServerError => "server errors",
            Self::RequestLost => "requests lost",
            Self::AnswerLost => "answers lost",
            Self::Delayed => "delayed",
            Self::Conflict => "conflicts",
            Self::PartialFailure => "partial failures",
            Self::KilledBefore => "killed before",
            Self::KilledAfter => "killed after",
        }
    }

    /// Whether it can befall the call `target` (`AmazonSQS.SendMessage`).
    fn befalls(self, target: &str) -> bool {
        match self {
            Self::Conflict => target.ends_with(".TransactWriteItems"),
            Self::PartialFailure => Batch::of(target).is_some(),
            _ => true,
        }
    }
}

/// The faults of a world: how often each happens, and the seed that decides when.
#[derive(Debug, Clone)]
pub struct Faults {
    seed: u64,
    shares: Vec<(Fault, f64)>,
    only: &'static str,
    region: &'static str,
}

impl Faults {
    /// No faults yet.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, shares: Vec::new(), only: "", region: "" }
    }

    /// This share (0 to 1) of the requests that it can befall meets `fault`. Shares add up to at most 1.
    #[must_use]
    pub fn with(mut self, fault: Fault, share: f64) -> Self {
        self.shares.push((fault, share));
        self
    }

    /// Only calls whose target begins so: `DynamoDB`, `AmazonSQS.SendMessage`.
    #[must_use]
    pub fn only(mut self, target: &'static str) -> Self {
        self.only = target;
        self
    }

    /// Only calls to this region.
    #[must_use]
    pub fn in_region(mut self, region: &'static str) -> Self {
        self.region = region;
        self
    }

    /// Whether calls to this region meet faults.
    pub(crate) fn are_in(&self, region: &str) -> bool {
        self.region.is_empty() || self.region == region
    }

    /// Every kind: one attempt in five fails, so that of a hundred calls one fails three times in a row, which is when
    /// the SDK gives up.
    pub fn all(seed: u64) -> Self {
        Self::seeded(seed)
            .with(Fault::Throttled, 0.07)
            .with(Fault::ServerError, 0.05)
            .with(Fault::RequestLost, 0.03)
            .with(Fault::AnswerLost, 0.05)
            .with(Fault::Delayed, 0.03)
            .with(Fault::KilledBefore, 0.005)
            .with(Fault::KilledAfter, 0.01)
            .with(Fault::Conflict, 0.1)
            .with(Fault::PartialFailure, 0.1)
    }

    /// How many kinds there are.
    pub(crate) fn kinds(&self) -> usize {
        self.shares.len()
    }

    /// What befalls the `nth` request of `client`, and dice for what else is random about it.
    pub(crate) fn draw(&self, client: &str, nth: u64, target: &str) -> (Option<Fault>, fastrand::Rng) {
        let mut hasher = DefaultHasher::new();
        (self.seed, client, nth).hash(&mut hasher);
        let mut dice = fastrand::Rng::with_seed(hasher.finish());
        let mut left = dice.f64();
        let hit = self.shares.iter().find(|(_, share)| {
            left -= share;
            left < 0.0
        });
        (hit.map(|(fault, _)| *fault).filter(|fault| target.starts_with(self.only) && fault.befalls(target)), dice)
    }
}

/// How often each fault happened.
pub type Injected = BTreeMap<Fault, u64>;

/// How a service says that it is asked too often: status and type.
pub(crate) fn throttling(target: &str, dice: &mut fastrand::Rng) -> (u16, &'static str) {
    match target.split(['_', '.']).next() {
        Some("DynamoDB") if dice.bool() => {
            (400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")
        }
        Some("DynamoDB") => (400, "com.amazon.coral.availability#ThrottlingException"),
        Some("AmazonSQS") => (400, "com.amazonaws.sqs#RequestThrottled"),
        Some("AWSEvents") => (400, "ThrottlingException"),
        Some("SES") => (429, "TooManyRequestsException"),
        Some("SNS") => (429, "Throttled"),
        _ => (503, "SlowDown"),
    }
}

/// The cancellation of a transaction of which one item is held by another.
pub(crate) fn conflict(body: &Value, dice: &mut fastrand::Rng) -> Value {
    let items = body["TransactItems"].as_array().map_or(1, Vec::len).max(1);
    let held = dice.usize(..items);
    let reason = |index| json!({"Code": if index == held { "TransactionConflict" } else { "None" }});
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled (injected)",
        "CancellationReasons": (0..items).map(reason).collect::<Vec<_>>(),
    })
}

/// A call that may fail in part.
pub(crate) enum Batch {
    PutEvents,
    SendMessages,
}

impl Batch {
    pub(crate) fn of(target: &str) -> Option<Self> {
        match target {
            "AWSEvents.PutEvents" => Some(Self::PutEvents),
            "AmazonSQS.SendMessageBatch" => Some(Self::SendMessages),
            _ => None,
        }
    }

    /// Takes one entry out of the request; the service sees the others. `None` if there is nothing to take.
    pub(crate) fn split(request: &mut Value, dice: &mut fastrand::Rng) -> Option<(usize, Value)> {
        let entries = request["Entries"].as_array_mut().filter(|entries| !entries.is_empty())?;
        let at = dice.usize(..entries.len());
        Some((at, entries.remove(at)))
    }

    /// The answer to the others, with the failure of the entry in it.
    pub(crate) fn join(&self, answer: &mut Value, at: usize, entry: &Value) {
        match self {
            Self::PutEvents => {
                let failed = answer["FailedEntryCount"].as_u64().unwrap_or_default() + 1;
                answer["FailedEntryCount"] = failed.into();
                if !answer["Entries"].is_array() {
                    answer["Entries"] = json!([]);
                }
                let failure = json!({"ErrorCode": "InternalFailure", "ErrorMessage": "injected"});
                if let Some(entries) = answer["Entries"].as_array_mut() {
                    entries.insert(at, failure);
                }
            }
            Self::SendMessages => {
                let failure = json!({"Id": entry["Id"], "Code": "InternalError", "SenderFault": false});
                let mut failed = answer["Failed"].as_array().cloned().unwrap_or_default();
                failed.push(failure);
                answer["Failed"] = failed.into();
                if answer["Successful"].is_null() {
                    answer["Successful"] = json!([]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_plan_and_another_another() {
        let plan = |seed| -> Vec<_> {
            (0..500).map(|nth| Faults::all(seed).draw("client-1", nth, "DynamoDB_20120810.PutItem").0).collect()
        };
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1), plan(2));
        let of = |client| Faults::all(1).draw(client, 7, "x").1.u64(..);
        assert_ne!(of("client-1"), of("client-2"));
    }

    #[test]
    fn faults_come_in_their_shares_and_only_where_they_can() {
        let count = |target: &str| {
            let mut drawn = Injected::new();
            for nth in 0..20_000 {
                if let Some(fault) = Faults::all(1).draw("c", nth, target).0 {
                    *drawn.entry(fault).or_default() += 1;
                }
            }
            drawn
        };
        let drawn = count("AmazonSQS.SendMessage");
        assert!((1290..1510).contains(&drawn[&Fault::Throttled]), "{drawn:?}"); // 1,400 ± 3 standard deviations
        assert!(!drawn.contains_key(&Fault::Conflict) && !drawn.contains_key(&Fault::PartialFailure));
        assert!(count("DynamoDB_20120810.TransactWriteItems")[&Fault::Conflict] > 1800);
        assert!(count("AWSEvents.PutEvents")[&Fault::PartialFailure] > 1800);
    }

    #[test]
    fn a_batch_fails_in_one_entry() {
        let dice = &mut fastrand::Rng::with_seed(3);
        let mut request = json!({"Entries": [{"Id": "a"}, {"Id": "b"}, {"Id": "c"}]});
        let (at, entry) = Batch::split(&mut request, dice).unwrap();
        assert_eq!(request["Entries"].as_array().map(Vec::len), Some(2));
        let mut answer = json!({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}, {"EventId": "2"}]});
        Batch::PutEvents.join(&mut answer, at, &entry);
        assert_eq!(
            (&answer["FailedEntryCount"], &answer["Entries"][at]["ErrorCode"]),
            (&1.into(), &"InternalFailure".into())
        );
        let mut answer = json!({"Successful": [{"Id": "x"}]});
        Batch::SendMessages.join(&mut answer, at, &entry);
        assert_eq!(answer["Failed"][0]["Id"], entry["Id"]);
    }
}
