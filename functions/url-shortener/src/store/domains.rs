//! Domains of the tenants' own.

use dynamo::{Consistency, Item, Key, Position, Value, eq, missing};
use serde::Deserialize;
use types::{Answer, Fault};

use super::{Store, keys};
use crate::domain::{Domain, DomainName, LinkError};

impl Item for Domain {
    fn key(&self) -> Key {
        keys::domain(&self.domain)
    }

    fn index(&self) -> Vec<(&'static str, Value)> {
        vec![("owner_pk", keys::domains(&self.owner).into()), ("owner_sk", self.domain.as_str().into())]
    }
}

/// What the index by owner tells of a domain.
#[derive(Deserialize)]
struct Entry {
    pk: String,
}

impl Store {
    /// Registers a domain, or replaces what its owner said of it: one conditional write.
    ///
    /// # Errors
    /// Refuses with [`LinkError::DomainTaken`] another's.
    pub async fn put_domain(&self, domain: &Domain) -> Answer<(), LinkError> {
        let free = missing("pk").or(eq("owner", domain.owner.as_str()));
        self.table.put(domain).when(free).send_or(|_| LinkError::DomainTaken).await
    }

    /// Reads a domain: one eventually consistent read.
    ///
    /// # Errors
    /// Our failure.
    pub async fn domain(&self, domain: &DomainName, consistency: Consistency) -> Result<Option<Domain>, Fault> {
        self.table.get(&keys::domain(domain), consistency).await
    }

    /// Forgets `owner`'s domain: one conditional write. Its links stay, and open as long as visitors come by it.
    ///
    /// # Errors
    /// Refuses with [`LinkError::DomainNotFound`].
    pub async fn delete_domain(&self, domain: &DomainName, owner: &str) -> Answer<(), LinkError> {
        let delete = self.table.delete(keys::domain(domain)).when(eq("owner", owner));
        let deleted = delete.send_or::<Domain, _>(|_| LinkError::DomainNotFound).await?;
        Ok(deleted.map(drop))
    }

    /// A page of the names of `owner`'s domains: one query.
    ///
    /// # Errors
    /// Our failure.
    pub async fn domains(
        &self,
        owner: &str,
        limit: u16,
        after: Option<Position>,
    ) -> Result<(Vec<DomainName>, Option<Position>), Fault> {
        let query = self.table.query(keys::domains(owner)).index("by_owner", "owner_pk", "owner_sk");
        let page = query.after(after).page::<Entry>(limit).await?;
        Ok((page.items.iter().filter_map(|entry| keys::domain_of(&entry.pk)).collect(), page.next))
    }
}
