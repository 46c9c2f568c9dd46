//! Policies and statistics in the stage's table of limits: keys, items, one method per access pattern.

use dynamo::{Consistency, Item, Key, Page, Position, Table, Value, eq, from_attributes, missing};
use limiter::{Policy, Space, StoredPolicy};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use types::{Answer, Fault, Instant};
use web::IfMatch;

use crate::domain::{LimitError, PolicyName};
use crate::stats::{SLOT_SECONDS, Slot};

/// How often a policy is written that others change at the same moment.
const TRIES: u8 = 4;
/// How long statistics are kept.
const STATS_KEPT_SECONDS: i64 = 3 * 3600;
/// Most slots that are read, some 5 KB each: 13 of each of some two hundred sandboxes.
const MOST_SLOTS: usize = 3_000;

/// A version of a policy, kept for good.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub StoredPolicy);

impl Item for Version {
    fn key(&self) -> Key {
        Key::new(format!("VERSIONS#{}#{}", self.0.space, self.0.id), version_key(self.0.version))
    }
}

fn version_key(version: u64) -> String {
    format!("VERSION#{version:010}")
}

/// A slot's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SlotItem {
    space: String,
    id: String,
    sandbox: String,
    #[serde(flatten)]
    slot: Slot,
}

impl Item for SlotItem {
    fn key(&self) -> Key {
        let sort = format!("{}#{}", slot_key(self.slot.start), self.sandbox);
        Key::new(format!("STATS#{}#{}", self.space, self.id), sort)
    }

    fn index(&self) -> Vec<(&'static str, Value)> {
        vec![("purge_at", (self.slot.start + STATS_KEPT_SECONDS).into())]
    }
}

fn slot_key(start: i64) -> String {
    format!("SLOT#{start:012}")
}

/// The table of limits, as this system uses it.
#[derive(Debug, Clone)]
pub struct Store {
    table: Table,
}

impl Store {
    /// The store in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// The newest version of a policy: one strongly consistent read. A deleted one is none.
    ///
    /// # Errors
    /// Refuses with [`LimitError::NotFound`].
    pub async fn find(&self, name: &PolicyName) -> Answer<StoredPolicy, LimitError> {
        let stored = self.newest(name).await?.filter(|stored| stored.policy.is_some());
        Ok(stored.ok_or(LimitError::NotFound))
    }

    async fn newest(&self, name: &PolicyName) -> Result<Option<StoredPolicy>, Fault> {
        self.table.get(&StoredPolicy::key_of(&name.space, &name.id), Consistency::Strong).await
    }

    /// Makes a new version of a policy, or none where it would be the same: one read, and one transaction of two
    /// writes. `expected` is the version that is meant to be replaced; `policy` is none for a deletion. Answers whether
    /// there was no such policy before.
    ///
    /// # Errors
    /// Refuses with [`LimitError::Version`] where it is another by now, with [`LimitError::NotFound`] to delete what is
    /// not there.
    pub async fn write(
        &self,
        name: &PolicyName,
        policy: Option<Policy>,
        expected: IfMatch,
        by: &str,
        now: Instant,
    ) -> Answer<(StoredPolicy, bool), LimitError> {
        for _ in 0..TRIES {
            let newest = self.newest(name).await?;
            let standing = newest.as_ref().filter(|stored| stored.policy.is_some());
            let newest_version = standing.map(|stored| stored.version);
            if !expected.holds(newest_version) {
                return Ok(Err(LimitError::Version(newest_version)));
            }
            match standing {
                None if policy.is_none() => return Ok(Err(LimitError::NotFound)),
                Some(stored) if stored.policy == policy => return Ok(Ok((stored.clone(), false))),
                _ => {}
            }
            let version = newest.as_ref().map_or(0, |stored| stored.version);
            let next = StoredPolicy {
                space: name.space.to_string(),
                id: name.id.clone(),
                version: version + 1,
                policy: policy.clone(),
                created_at: now,
                created_by: by.to_owned(),
            };
            let unchanged = if version == 0 { missing("pk") } else { eq("version", version) };
            let transaction = self.table.transact::<LimitError>();
            let transaction = transaction.put(&next, unchanged, |_| LimitError::Version(Some(version + 1)))?;
            let transaction =
                transaction.put(&Version(next.clone()), missing("pk"), |_| LimitError::Version(Some(version + 1)))?;
            match transaction.send::<()>().await? {
                Ok(_) => return Ok(Ok((next, standing.is_none()))),
                Err(refusal) if expected != IfMatch::Whatever => return Ok(Err(refusal)),
                Err(_) => {}
            }
        }
        Err(Fault::transient("others always changed the policy at the same moment"))
    }

    /// A page of a space's policies, by id: one query.
    ///
    /// # Errors
    /// Our failure.
    pub async fn list(&self, space: &Space, limit: u16, after: Option<Position>) -> Result<Page<StoredPolicy>, Fault> {
        let query = self.table.query(StoredPolicy::partition(space)).between("POLICY#", "POLICY#~");
        let page: Page<StoredPolicy> = query.after(after).page(limit).await?;
        Ok(Page { items: page.items.into_iter().filter(|stored| stored.policy.is_some()).collect(), ..page })
    }

    /// A page of a policy's versions, newest first: one query.
    ///
    /// # Errors
    /// Our failure.
    pub async fn versions(
        &self,
        name: &PolicyName,
        limit: u16,
        after: Option<Position>,
    ) -> Result<Page<Version>, Fault> {
        let partition = format!("VERSIONS#{}#{}", name.space, name.id);
        self.table.query(partition).descending().after(after).page(limit).await
    }

    /// Writes what a sandbox counted in a slot, replacing what it wrote of it before: one write.
    ///
    /// # Errors
    /// Our failure.
    pub async fn note(&self, space: &str, id: &str, sandbox: &str, slot: &Slot) -> Result<(), Fault> {
        let (space, id, sandbox) = (space.to_owned(), id.to_owned(), sandbox.to_owned());
        let item = SlotItem { space, id, sandbox, slot: slot.clone() };
        let put = self.table.put(&item).send_or::<()>(|_| ()).await?;
        put.map_err(|()| Fault::permanent("a put without a condition was refused"))
    }

    /// What all sandboxes counted in the last hour: one query, more where they are many.
    ///
    /// # Errors
    /// Our failure.
    pub async fn counted(&self, name: &PolicyName, now: Instant) -> Result<Vec<Slot>, Fault> {
        let first = (now.seconds() - 3600).div_euclid(SLOT_SECONDS) * SLOT_SECONDS;
        let query = self.table.query(format!("STATS#{}#{}", name.space, name.id));
        let items = query.between(slot_key(first), "SLOT#~").all(MOST_SLOTS).await?;
        items.into_iter().map(|item| from_attributes::<SlotItem>(item).map(|item| item.slot)).collect()
    }

    /// Whether the table answers: one read of an item that is never there.
    ///
    /// # Errors
    /// When it does not.
    pub async fn probe(&self) -> Result<(), Fault> {
        self.table.get::<IgnoredAny>(&Key::new("PROBE", "PROBE"), Consistency::Eventual).await.map(drop)
    }
}
