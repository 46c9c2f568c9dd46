//! Writing transactions: all of one in one transaction of the table.

use dynamo::{Transaction as Writes, UpdateExpression, exists, from_attributes, gt, missing};
use serde::de::IgnoredAny;
use types::{Answer, Instant, OnceRefusal};
use work::Claim;

use super::{Accounts, Entry, Store, keys};
use crate::domain::{Effect, LedgerError, Leg, Movement, Outcome, Resolution, Transaction, TransactionId, are_same};

/// Why a write was refused.
enum Clash<T> {
    /// This is there.
    Standing(Option<Box<T>>),
    Refused(LedgerError),
}

impl<T> From<OnceRefusal> for Clash<T> {
    fn from(refusal: OnceRefusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl Store {
    /// A transaction, and how it ended where it was pending: one strongly consistent query.
    ///
    /// # Errors
    /// Refuses with [`LedgerError::NoTransaction`].
    pub async fn find(
        &self,
        tenant: &str,
        id: &TransactionId,
    ) -> Answer<(Transaction, Option<Resolution>), LedgerError> {
        let (mut made, mut end) = (None, None);
        for item in self.table.query(keys::of_transaction(tenant, id)).strong().all(2).await? {
            match item.get("sk").and_then(|sk| sk.as_s().ok()).map(String::as_str) {
                Some(keys::TX) => made = Some(from_attributes(item)?),
                _ => end = Some(from_attributes(item)?),
            }
        }
        Ok(made.map(|made| (made, end)).ok_or(LedgerError::NoTransaction))
    }

    /// Makes a transaction: itself, an entry and a balance for each of its legs, and when a hold expires, all or none.
    /// Made again with the same content it is the one that is there, with what became of it.
    ///
    /// # Errors
    /// Refuses where another has its id, or an account has not so much.
    pub async fn make(
        &self,
        transaction: &Transaction,
        accounts: &Accounts,
        now: Instant,
    ) -> Answer<(Transaction, Option<Resolution>), LedgerError> {
        let standing = |it: Option<Transaction>| Clash::Standing(it.map(Box::new));
        let mut writes = self.table.transact().first_decides().put(transaction, missing("pk"), standing)?;
        if let Some(at) = transaction.expires_at {
            let (tenant, id) = (transaction.tenant.clone(), transaction.id.to_string());
            let hold = Hold { tenant, id };
            let due = self.due.item(&format!("{}#{}", hold.tenant, hold.id), at, &hold, now).await?;
            // It is there only if the transaction is, which is judged first.
            writes = writes.put(&due, missing("pk"), |_| Clash::Refused(LedgerError::IdReused))?;
        }
        if !transaction.pending {
            writes = entries(writes, transaction, &transaction.legs, transaction.at, accounts)?;
        }
        writes = balances(writes, transaction, Movement::Made(transaction), accounts)?;
        Ok(match writes.send::<IgnoredAny>().await? {
            Ok(_) => Ok((transaction.clone(), None)),
            Err(Clash::Standing(Some(standing))) if standing.is_same(transaction) => match standing.pending {
                true => return self.find(&standing.tenant, &standing.id).await,
                false => Ok((*standing, None)),
            },
            Err(Clash::Standing(_)) => Err(LedgerError::IdReused),
            Err(Clash::Refused(refusal)) => Err(refusal),
        })
    }

    /// Ends a pending transaction. Ended again in the same way it is as it was; what expired counts as voided.
    ///
    /// # Errors
    /// Refuses where it ended otherwise.
    pub async fn end(
        &self,
        transaction: &Transaction,
        end: &Resolution,
        accounts: &Accounts,
    ) -> Answer<Resolution, LedgerError> {
        let standing = |it: Option<Resolution>| Clash::Standing(it.map(Box::new));
        let writes = self.table.transact().first_decides().put(end, missing("pk"), standing)?;
        let writes = entries(writes, transaction, &end.legs, end.at, accounts)?;
        let writes = balances(writes, transaction, Movement::Ended(transaction, end), accounts)?;
        Ok(match writes.send::<IgnoredAny>().await? {
            Ok(_) => Ok(end.clone()),
            Err(Clash::Refused(refusal)) => Err(refusal),
            Err(Clash::Standing(None)) => Err(LedgerError::NoTransaction), // never: it is what stood in the way
            Err(Clash::Standing(Some(before))) => {
                let same = match end.outcome {
                    Outcome::Posted => before.outcome == Outcome::Posted && are_same(&before.legs, &end.legs),
                    Outcome::Voided | Outcome::Expired => before.outcome != Outcome::Posted,
                };
                if same { Ok(*before) } else { Err(LedgerError::Ended(before.outcome.name())) }
            }
        })
    }
}

/// A hold that expires.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hold {
    /// Whose.
    pub tenant: String,
    /// The pending transaction.
    pub id: String,
}

impl Hold {
    /// The claim, told whose it is.
    ///
    /// # Errors
    /// When it is none.
    pub fn claimed(mut claim: Claim) -> Result<Claim, types::Fault> {
        let hold: Self = claim.message()?;
        claim.tenant = Some(hold.tenant);
        Ok(claim)
    }
}

fn entries<'a, T: Send + 'a>(
    mut writes: Writes<'a, Clash<T>>,
    transaction: &Transaction,
    legs: &[Leg],
    at: Instant,
    accounts: &Accounts,
) -> Result<Writes<'a, Clash<T>>, types::Fault> {
    for leg in legs {
        let Some(account) = accounts.get(&leg.account) else { continue };
        let entry = Entry {
            tenant: transaction.tenant.clone(),
            account: leg.account.clone(),
            shard: account.shard(transaction.id.as_str()),
            transaction: transaction.id.clone(),
            side: leg.side,
            amount_minor: leg.amount_minor,
            description: transaction.description.clone(),
            at,
        };
        // Never there without the transaction, which is judged first.
        writes = writes.put(&entry, missing("pk"), |_| Clash::Refused(LedgerError::IdReused))?;
    }
    Ok(writes)
}

fn balances<'a, T: Send + 'a>(
    mut writes: Writes<'a, Clash<T>>,
    transaction: &Transaction,
    movement: Movement<'_>,
    accounts: &Accounts,
) -> Result<Writes<'a, Clash<T>>, types::Fault> {
    for (id, Effect { change, least }) in movement.effects(accounts) {
        let Some(account) = accounts.get(&id) else { continue };
        let key = keys::balance(&transaction.tenant, &id, account.shard(transaction.id.as_str()));
        let mut expression = UpdateExpression::new()
            .add("debits", change.debits)
            .add("credits", change.credits)
            .add("pending_debits", change.pending_debits)
            .add("pending_credits", change.pending_credits)
            .add("available", change.available)
            .add("changes", 1_u64);
        if let Some(least) = least {
            expression = expression.when(exists("pk").and(gt("available", least.saturating_sub(1))));
        }
        let refused = move |_: Option<IgnoredAny>| {
            let needed_minor = least.unwrap_or_default();
            Clash::Refused(LedgerError::Insufficient { account: id.to_string(), needed_minor })
        };
        writes = writes.update(&key, &expression, refused)?;
    }
    Ok(writes)
}
