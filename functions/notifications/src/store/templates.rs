//! Templates: the newest version, and all that were.

use dynamo::{Consistency, Item, Key, Page, Position, eq, missing};
use serde::{Deserialize, Serialize};
use types::time::millis;
use types::{Answer, Fault, Instant};
use web::IfMatch;

use super::{Store, keys};
use crate::domain::{NotificationError, Template};

/// How often a template is written that others change at the same moment.
const TRIES: u8 = 4;

/// A version of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredTemplate {
    /// Whose.
    pub tenant: String,
    /// Its id.
    pub id: String,
    /// 1, 2, …
    pub version: u64,
    /// What it says.
    pub template: Template,
    /// When this version was made.
    #[serde(with = "millis")]
    pub created_at: Instant,
}

impl Item for StoredTemplate {
    fn key(&self) -> Key {
        keys::template(&self.tenant, &self.id)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Version(StoredTemplate);

impl Item for Version {
    fn key(&self) -> Key {
        keys::template_version(&self.0.tenant, &self.0.id, self.0.version)
    }
}

/// Its line in the tenant's list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Listed {
    tenant: String,
    pub id: String,
    pub version: u64,
    #[serde(with = "millis")]
    pub created_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Item for Listed {
    fn key(&self) -> Key {
        keys::listed_template(&self.tenant, &self.id)
    }
}

impl Store {
    /// The newest version of a template: one eventually consistent read.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::NoTemplate`].
    pub async fn template(&self, tenant: &str, id: &str) -> Answer<StoredTemplate, NotificationError> {
        self.read_template(&keys::template(tenant, id), id).await
    }

    /// A version of a template: one read.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::NoTemplate`].
    pub async fn template_version(
        &self,
        tenant: &str,
        id: &str,
        version: u64,
    ) -> Answer<StoredTemplate, NotificationError> {
        self.read_template(&keys::template_version(tenant, id, version), id).await
    }

    async fn read_template(&self, key: &Key, id: &str) -> Answer<StoredTemplate, NotificationError> {
        if !keys::is_id(id) {
            return Ok(Err(NotificationError::NoTemplate(id.chars().take(64).collect())));
        }
        let found: Option<StoredTemplate> = self.table.get(key, Consistency::Strong).await?;
        Ok(found.ok_or_else(|| NotificationError::NoTemplate(id.to_owned())))
    }

    /// Makes a new version of a template, or none where it would be the same: one read, and one transaction of three
    /// writes. `expected` is the version that is meant to be replaced. Answers whether there was none before.
    ///
    /// # Errors
    /// Refuses with [`NotificationError::Version`] where it is another by now.
    pub async fn put_template(
        &self,
        tenant: &str,
        id: &str,
        template: Template,
        expected: IfMatch,
        now: Instant,
    ) -> Answer<(StoredTemplate, bool), NotificationError> {
        for _ in 0..TRIES {
            let key = keys::template(tenant, id);
            let standing: Option<StoredTemplate> = self.table.get(&key, Consistency::Strong).await?;
            let newest = standing.as_ref().map(|stored| stored.version);
            if !expected.holds(newest) {
                return Ok(Err(NotificationError::Version(newest)));
            }
            if let Some(stored) = standing.filter(|stored| stored.template == template) {
                return Ok(Ok((stored, false)));
            }
            let version = newest.unwrap_or_default() + 1;
            let (owner, id, description) = (tenant.to_owned(), id.to_owned(), template.description.clone());
            let listed = Listed { tenant: owner.clone(), id: id.clone(), version, created_at: now, description };
            let template = template.clone();
            let next = StoredTemplate { tenant: owner, id, version, template, created_at: now };
            let unchanged = newest.map_or_else(|| missing("pk"), |version| eq("version", version));
            let refused = NotificationError::Version(Some(version));
            let transaction = self.table.transact::<NotificationError>();
            let transaction = transaction.put(&next, unchanged, |_| refused.clone())?;
            let transaction = transaction.put(&Version(next.clone()), missing("pk"), |_| refused.clone())?;
            let older = missing("pk").or(dynamo::lt("version", version));
            let transaction = transaction.put(&listed, older, |_| refused.clone())?;
            match transaction.send::<()>().await? {
                Ok(_) => return Ok(Ok((next, newest.is_none()))),
                Err(refusal) if expected != IfMatch::Whatever => return Ok(Err(refusal)),
                Err(_) => {}
            }
        }
        Err(Fault::transient("others always changed the template at the same moment"))
    }

    /// A page of a tenant's templates, by id: one query.
    ///
    /// # Errors
    /// Our failure.
    pub(crate) async fn templates(
        &self,
        tenant: &str,
        limit: u16,
        after: Option<Position>,
    ) -> Result<Page<Listed>, Fault> {
        self.table.query(keys::of_templates(tenant)).after(after).page(limit).await
    }
}
