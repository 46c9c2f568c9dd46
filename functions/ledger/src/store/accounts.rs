//! Accounts.

use std::collections::BTreeSet;

use dynamo::{Consistency, Page, Position, missing};
use types::{Answer, Fault};

use super::{Accounts, Store, keys};
use crate::domain::{Account, AccountId, LedgerError};

impl Store {
    /// Opens an account: one conditional write. Opened again as it is, it is the same one.
    ///
    /// # Errors
    /// Refuses where another account is called this.
    pub async fn open(&self, account: &Account) -> Answer<Account, LedgerError> {
        let put = self.table.put(account).when(missing("pk"));
        Ok(match put.send_or(|standing: Option<Account>| standing).await? {
            Ok(()) => Ok(account.clone()),
            Err(Some(standing)) if standing.is_same(account) => Ok(standing),
            Err(_) => Err(LedgerError::AccountExists),
        })
    }

    /// Those of these accounts that there are: none is read again that this sandbox has seen.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn accounts(&self, tenant: &str, ids: BTreeSet<AccountId>) -> Result<Accounts, Fault> {
        let (mut found, mut unknown) = (Accounts::new(), Vec::new());
        for id in ids {
            match self.known.get(&(tenant.to_owned(), id.clone())) {
                Some(account) => drop(found.insert(id, account)),
                None => unknown.push(keys::account(tenant, id.as_str())),
            }
        }
        // Strongly, since who has just opened an account may use it.
        for item in self.table.get_many(&unknown, Consistency::Strong).await? {
            let account: Account = dynamo::from_attributes(item)?;
            self.known.insert((tenant.to_owned(), account.id.clone()), account.clone());
            found.insert(account.id.clone(), account);
        }
        Ok(found)
    }

    /// One account.
    ///
    /// # Errors
    /// Refuses with [`LedgerError::NoAccount`].
    pub async fn account(&self, tenant: &str, id: &str) -> Answer<Account, LedgerError> {
        let id: AccountId = match id.parse() {
            Ok(id) => id,
            Err(_) => return Ok(Err(LedgerError::NoAccount(id.chars().take(100).collect()))),
        };
        let found = self.accounts(tenant, BTreeSet::from([id.clone()])).await?.remove(&id);
        Ok(found.ok_or_else(|| LedgerError::NoAccount(id.to_string())))
    }

    /// A tenant's accounts, by id: one query.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn list_accounts(
        &self,
        tenant: &str,
        limit: u16,
        after: Option<Position>,
    ) -> Result<Page<Account>, Fault> {
        self.table.query(keys::accounts(tenant)).strong().after(after).page(limit).await
    }
}
