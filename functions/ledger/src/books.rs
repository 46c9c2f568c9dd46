//! From a request to what is in the books.

use types::{Answer, Fault};

use crate::App;
use crate::domain::{
    Account, Entry, LedgerError, NewAccount, NewTransaction, Outcome, Resolution, Transaction, TransactionId,
};
use crate::events::PostingRequested;
use crate::store::Hold;

/// A transaction and its end.
type Found = (Transaction, Option<Resolution>);

impl App {
    /// Makes a transaction: reads the accounts that this sandbox has not seen, and writes all of it at once.
    pub(crate) async fn make(&self, tenant: &str, new: NewTransaction) -> Answer<Found, LedgerError> {
        match new.clone().check(tenant, self.clock.now()) {
            Ok(transaction) => self.write(&transaction).await,
            Err(refusal @ LedgerError::Time(_)) => self.made_before(tenant, new, refusal).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// What was made in time is the same when it is asked for again, later.
    async fn made_before(&self, tenant: &str, new: NewTransaction, refusal: LedgerError) -> Answer<Found, LedgerError> {
        let before = self.look(tenant, &new.transaction_id).await?;
        let same = |(made, _): &Found| new.check(tenant, made.at).is_ok_and(|asked| asked.is_same(made));
        Ok(before.ok().filter(same).ok_or(refusal))
    }

    async fn write(&self, transaction: &Transaction) -> Answer<Found, LedgerError> {
        let accounts = self.store.accounts(&transaction.tenant, transaction.accounts()).await?;
        match transaction.check_accounts(&accounts) {
            Ok(()) => self.store.make(transaction, &accounts, transaction.at).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The transaction of an id and its end.
    pub(crate) async fn look(&self, tenant: &str, id: &str) -> Answer<Found, LedgerError> {
        match TransactionId::known(id) {
            Ok(id) => self.store.find(tenant, &id).await,
            Err(_) => Ok(Err(LedgerError::NoTransaction)),
        }
    }

    /// Ends a pending transaction.
    pub(crate) async fn end(
        &self,
        tenant: &str,
        id: &str,
        outcome: Outcome,
        entries: Option<&[Entry]>,
    ) -> Answer<(Transaction, Resolution), LedgerError> {
        let (made, end) = match self.look(tenant, id).await? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // What was posted in time stays so, and is said again, after its time is over.
        let asked_at = match &end {
            Some(end) => end.at,
            None => self.clock.now(),
        };
        let wanted = match made.resolve(outcome, entries, asked_at) {
            Ok(wanted) => wanted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let accounts = self.store.accounts(tenant, made.accounts()).await?;
        if let Err(refusal) = made.check_accounts(&accounts) {
            return Err(Fault::permanent(format!("a transaction's accounts are not as they were: {refusal}")));
        }
        Ok(self.store.end(&made, &wanted, &accounts).await?.map(|end| (made, end)))
    }

    /// Takes back what a transaction posted.
    pub(crate) async fn reverse(
        &self,
        tenant: &str,
        id: &str,
        description: String,
    ) -> Answer<Transaction, LedgerError> {
        let (made, end) = match self.look(tenant, id).await? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match made.reverse(end.as_ref(), description, self.clock.now()) {
            Ok(reversal) => Ok(self.write(&reversal).await?.map(|(made, _)| made)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Opens an account.
    pub(crate) async fn open(&self, tenant: &str, new: NewAccount) -> Answer<Account, LedgerError> {
        match new.open(tenant, self.clock.now()) {
            Ok(account) => self.store.open(&account).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Does what another system asks for. An account that is there stays as it is: the asker's idea of it may be newer.
    pub(crate) async fn take(&self, asked: &PostingRequested) -> Answer<(), LedgerError> {
        let ids = asked.accounts.iter().filter_map(|new| new.account_id.parse().ok()).collect();
        let known = self.store.accounts(&asked.tenant, ids).await?;
        for new in asked.accounts.iter().filter(|new| known.keys().all(|id| id.as_str() != new.account_id)) {
            match self.open(&asked.tenant, new.clone()).await? {
                Ok(_) | Err(LedgerError::AccountExists) => {}
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        Ok(self.make(&asked.tenant, asked.transaction.clone()).await?.map(drop))
    }

    /// Lets go what a hold took whose time is over. What ended otherwise stays so.
    pub(crate) async fn expire(&self, hold: &Hold) -> Result<(), Fault> {
        match self.end(&hold.tenant, &hold.id, Outcome::Expired, None).await? {
            Ok((_, end)) if end.outcome == Outcome::Expired => aws::count("holds_expired", 1.0),
            Ok(_) | Err(LedgerError::Ended(_)) => {}
            Err(refusal @ LedgerError::NoTransaction) => {
                tracing::error!(tenant = hold.tenant, id = hold.id, %refusal, "what expires is not there");
            }
            Err(refusal) => return Err(Fault::permanent(format!("a hold cannot expire: {refusal}"))),
        }
        Ok(())
    }
}
