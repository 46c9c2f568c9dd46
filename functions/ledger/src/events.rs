//! What this system hears from others, and what it tells them. A consumer deduplicates by `id` and reads what it knows
//! of `v`.

use serde::{Deserialize, Serialize};
use types::{Fault, Instant};
use work::{Change, Event, Kind};

use crate::domain::{Entry, MOST_ENTRIES, NewAccount, NewTransaction, Outcome, Resolution, Transaction};
use crate::store;
use crate::view::entries;

/// Where the events come from.
pub const SOURCE: &str = "almanac.ledger";

/// An event of another system, as a queue gets it from the bus.
#[derive(Debug, Clone, Deserialize)]
pub struct Requested {
    /// Who asks.
    pub source: String,
    /// What for.
    pub detail: PostingRequested,
}

/// `LedgerPostingRequested`, version 1: something is to be in the books. Its transaction's id makes it once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostingRequested {
    /// Version of this shape.
    pub v: u8,
    /// The event's.
    pub id: String,
    /// Whose books.
    pub tenant: String,
    /// Accounts that are opened where they are not there yet.
    #[serde(default)]
    pub accounts: Vec<NewAccount>,
    /// What is posted.
    pub transaction: NewTransaction,
}

impl PostingRequested {
    /// Whether it can be taken: of the version that is known here, of a tenant who can be one, and with no more
    /// accounts than entries.
    pub fn is_known(&self) -> bool {
        self.v == 1 && types::is_tenant(&self.tenant) && self.accounts.len() <= MOST_ENTRIES
    }
}

/// `TransactionHeld`, `TransactionPosted`, `TransactionVoided` and `TransactionExpired` carry the same.
#[derive(Debug, Serialize)]
struct TransactionEvent<'a> {
    v: u8,
    id: String,
    tenant: &'a str,
    transaction_id: &'a str,
    entries: Vec<Entry>,
    at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverses: Option<&'a str>,
}

/// The event of a change of the table, where it has one.
///
/// # Errors
/// When an item is not what it should be.
pub fn of_change(change: &Change) -> Result<Option<Event>, Fault> {
    let tell = |name: &'static str, tenant: &str, id: &str, legs: &[_], at, reverses: Option<&str>| {
        let (event_id, entries) = (format!("{tenant}#{id}#{name}"), entries(legs));
        let event = TransactionEvent { v: 1, id: event_id, tenant, transaction_id: id, entries, at, reverses };
        Event::new(name, &event).map(Some)
    };
    match (change.kind, change.sk.as_str()) {
        (Kind::Insert, store::TX) => {
            let Some(made) = change.after::<Transaction>()? else { return Ok(None) };
            let name = if made.pending { "TransactionHeld" } else { "TransactionPosted" };
            let reverses = made.reverses.as_ref().map(|id| id.as_str());
            tell(name, &made.tenant, made.id.as_str(), &made.legs, made.at, reverses)
        }
        (Kind::Insert, store::END) => {
            let Some(end) = change.after::<Resolution>()? else { return Ok(None) };
            let name = match end.outcome {
                Outcome::Posted => "TransactionPosted",
                Outcome::Voided => "TransactionVoided",
                Outcome::Expired => "TransactionExpired",
            };
            tell(name, &end.tenant, end.id.as_str(), &end.legs, end.at, None)
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Account, AccountType, Side};
    use serde_json::{Value, json};

    const NOW: Instant = Instant::from_seconds(1_800_000_000);

    fn made(pending: bool) -> Transaction {
        let entry = |account_id: &str, side| Entry {
            account_id: account_id.to_owned(),
            side,
            amount_minor: 5,
            currency: "EUR".parse().unwrap(),
        };
        let new = NewTransaction {
            transaction_id: "t1".to_owned(),
            entries: vec![entry("cash", Side::Debit), entry("sales", Side::Credit)],
            description: String::new(),
            metadata: None,
            pending,
            expires_at: None,
        };
        new.check("alice", NOW).unwrap()
    }

    fn told<T: dynamo::Item>(kind: Kind, sk: &str, item: &T) -> Option<(&'static str, Value)> {
        let new = Some(dynamo::attributes(item).unwrap());
        let change = Change { id: "e1".to_owned(), kind, sk: sk.to_owned(), old: None, new };
        let event = of_change(&change).unwrap()?;
        Some((event.detail_type, serde_json::from_str(&event.detail).unwrap()))
    }

    #[test]
    fn what_each_change_tells() {
        let (name, detail) = told(Kind::Insert, store::TX, &made(false)).unwrap();
        let entry =
            |id: &str, side: &str| json!({"account_id": id, "side": side, "amount_minor": 5, "currency": "EUR"});
        let expected = json!({
            "v": 1, "id": "alice#t1#TransactionPosted", "tenant": "alice", "transaction_id": "t1",
            "entries": [entry("cash", "debit"), entry("sales", "credit")], "at": "2027-01-15T08:00:00Z",
        });
        assert_eq!((name, detail), ("TransactionPosted", expected));
        assert_eq!(told(Kind::Insert, store::TX, &made(true)).map(|it| it.0), Some("TransactionHeld"));
        for (outcome, name) in [
            (Outcome::Posted, "TransactionPosted"),
            (Outcome::Voided, "TransactionVoided"),
            (Outcome::Expired, "TransactionExpired"),
        ] {
            let end = made(true).resolve(outcome, None, NOW).unwrap();
            assert_eq!(told(Kind::Insert, store::END, &end).map(|it| it.0), Some(name));
        }
        let account = Account {
            tenant: "alice".to_owned(),
            id: "cash".parse().unwrap(),
            kind: AccountType::Asset,
            currency: "EUR".parse().unwrap(),
            normal_side: Side::Debit,
            may_go_negative: false,
            shards: 1,
            description: None,
            created_at: NOW,
        };
        assert_eq!(told(Kind::Insert, "cash", &account), None);
    }
}
