//! The books as they are in the end, and whether they are what the clients were told.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use ledger::App;
use serde_json::Value;
use testkit::{Sandbox, Verdict, World};

use super::{ACCOUNTS, Got, caller};

/// What is stored.
pub(super) struct Books {
    /// Transactions by id; those that are not there are left out.
    pub(super) transactions: BTreeMap<String, Value>,
    pub(super) accounts: BTreeMap<&'static str, Value>,
    /// Closing balances and entries of the accounts' statements.
    pub(super) statements: BTreeMap<&'static str, (i64, usize)>,
}

async fn get(sandbox: &mut Sandbox<App>, target: &str) -> Result<Option<Value>> {
    let run = sandbox.http("GET", target, &[], None, caller()).await?;
    ensure!([200, 404].contains(&run.status()), "{target}: {:?}", run.body());
    Ok((run.status() == 200).then(|| run.body().clone()))
}

impl Books {
    pub(super) async fn read(world: &mut World<App>, ids: impl Iterator<Item = &String>) -> Result<Self> {
        let mut sandbox = world.undisturbed()?;
        let mut transactions = BTreeMap::new();
        for id in ids {
            if let Some(shown) = get(&mut sandbox, &format!("/transactions/{id}")).await? {
                transactions.insert(id.clone(), shown);
            }
        }
        let (mut accounts, mut statements) = (BTreeMap::new(), BTreeMap::new());
        for account in ACCOUNTS {
            let shown = get(&mut sandbox, &format!("/accounts/{account}")).await?;
            accounts.insert(account, shown.context("an account")?);
            let (mut cursor, mut entries) = (String::new(), 0);
            let closing = loop {
                let target = format!("/accounts/{account}/entries?limit=100{cursor}");
                let page = get(&mut sandbox, &target).await?.context("a statement")?;
                entries += page["items"].as_array().map_or(0, Vec::len);
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break page["closing_balance_minor"].as_i64().context("a balance")?,
                }
            };
            statements.insert(account, (closing, entries));
        }
        Ok(Self { transactions, accounts, statements })
    }

    /// Holds the books against what clients were told: of requests that make a transaction, and of ends that were
    /// acknowledged (the state, and the entries that were posted).
    pub(super) fn judge(&self, made: &BTreeMap<String, (Value, Got)>, ends: &[(String, Value)]) -> Verdict {
        let (mut broken, mut states) = (Vec::new(), BTreeMap::<&str, u64>::new());
        for (id, end) in ends {
            let shown = self.transactions.get(id).unwrap_or(&Value::Null);
            if (&shown["state"], &shown["posted_entries"]) != (&end["state"], &end["posted_entries"]) {
                broken.push(format!("{id} was told to have ended as {end}, and is {shown}"));
            }
        }
        for (id, (_, got)) in made {
            match (got, self.transactions.get(id)) {
                (Got::Done, None) => broken.push(format!("{id} was acknowledged and is not there")),
                (Got::Refused, Some(shown)) => broken.push(format!("{id} was refused and is there: {shown}")),
                _ => {}
            }
        }
        let mut sums = BTreeMap::<&str, [i64; 3]>::new();
        for (id, shown) in &self.transactions {
            let state = shown["state"].as_str().unwrap_or_default();
            *states.entry(state).or_default() += 1;
            let posted = if shown["posted_entries"].is_null() { &shown["entries"] } else { &shown["posted_entries"] };
            let (entries, held) = match state {
                "pending" => (&shown["entries"], true),
                "posted" => (posted, false),
                _ => continue,
            };
            let mut total = 0;
            for entry in entries.as_array().into_iter().flatten() {
                let (debit, amount) = (entry["side"] == "debit", entry["amount_minor"].as_i64().unwrap_or_default());
                total += if debit { amount } else { -amount };
                let account = entry["account_id"].as_str().unwrap_or_default();
                let [debits, credits, holds] = sums.entry(account).or_default();
                match (held, debit) {
                    (false, true) => *debits += amount,
                    (false, false) => *credits += amount,
                    (true, _) => *holds += amount,
                }
            }
            if total != 0 {
                broken.push(format!("{id} does not balance: {shown}"));
            }
        }
        broken.extend(self.compare(&sums));
        let state = |name: &str| states.get(name).copied().unwrap_or_default();
        let figures = vec![
            ("transactions", self.transactions.len() as u64),
            ("posted", state("posted")),
            ("voided", state("voided")),
            ("expired", state("expired")),
            ("pending", state("pending")),
            ("entries", self.statements.values().map(|(_, entries)| *entries as u64).sum()),
            ("broken", broken.len() as u64),
        ];
        Verdict { figures, broken }
    }

    /// What accounts and statements say otherwise than the transactions.
    fn compare(&self, sums: &BTreeMap<&str, [i64; 3]>) -> Vec<String> {
        let mut broken = Vec::new();
        for (account, shown) in &self.accounts {
            let field = |name: &str| shown[name].as_i64().unwrap_or(i64::MIN);
            let found = [
                field("debits_minor"),
                field("credits_minor"),
                field("pending_debits_minor") + field("pending_credits_minor"),
            ];
            let expected = sums.get(account).copied().unwrap_or_default();
            if found != expected {
                broken.push(format!("{account} is {found:?}, its transactions come to {expected:?}"));
            }
            let (takes, normal) = match *account {
                "bank" => ("pending_credits_minor", found[0] - found[1]),
                _ => ("pending_debits_minor", found[1] - found[0]),
            };
            if field("available_minor") != normal - field(takes) {
                broken.push(format!("{account} has another amount available than it should: {shown}"));
            }
            let (closing, _) = self.statements[account];
            if closing != field("balance_minor") {
                broken.push(format!("{account} has {}, its statement ends with {closing}", field("balance_minor")));
            }
        }
        broken
    }
}
