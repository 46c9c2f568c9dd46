//! Policies that are stored, so that they change without a deployment, and what a sandbox remembers of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dynamo::{Consistency, Item, Key, Table};
use quick_cache::unsync::Cache;
use serde::{Deserialize, Serialize};
use types::{Fault, Instant};

use crate::policy::Policy;
use crate::subject::Space;

/// How old a remembered policy may be …
const STALENESS: Duration = Duration::from_secs(30);
/// … and from when on it is read again beside a check, so that a busy sandbox does not wait for it.
const REFRESHED: Duration = Duration::from_secs(20);
/// How long a policy goes on being used that cannot be read again.
const OUTLIVES: Duration = Duration::from_secs(600);
/// How long a reading may take.
const DEADLINE: Duration = Duration::from_millis(500);
/// How long after a reading that failed it is not tried again, so that not every request waits for it.
const AGAIN: Duration = Duration::from_secs(5);
/// Policies remembered.
const MOST: usize = 2_000;

/// A policy as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPolicy {
    /// Whose, as it stands in keys.
    pub space: String,
    /// Its id in that space.
    pub id: String,
    /// 1, 2, …, also through a deletion.
    pub version: u64,
    /// The policy; none where it was deleted.
    pub policy: Option<Policy>,
    /// When this version was made.
    #[serde(with = "types::time::millis")]
    pub created_at: Instant,
    /// Who made it.
    pub created_by: String,
}

impl StoredPolicy {
    /// Where the newest version is: a space's policies stand together, apart from all buckets.
    pub fn key_of(space: &Space, id: &str) -> Key {
        key_in(&space.to_string(), id)
    }

    /// The partition of a space's policies; their sort keys begin with `POLICY#`.
    pub fn partition(space: &Space) -> String {
        partition_in(&space.to_string())
    }
}

fn key_in(space: &str, id: &str) -> Key {
    Key::new(partition_in(space), format!("POLICY#{id}"))
}

fn partition_in(space: &str) -> String {
    format!("POLICIES#{space}")
}

impl Item for StoredPolicy {
    fn key(&self) -> Key {
        key_in(&self.space, &self.id)
    }
}

/// What is known of a policy, and when it was tried to be read last.
#[derive(Clone)]
struct Seen {
    policy: Option<(Option<Arc<StoredPolicy>>, Instant)>,
    tried_at: Instant,
}

/// Reads policies, and remembers them for at most 30 s.
#[derive(Clone)]
pub struct Policies {
    table: Table,
    seen: Arc<Mutex<Cache<(Space, String), Seen>>>,
    deadline: Duration,
}

impl Policies {
    /// The policies of `table`.
    pub fn new(table: Table) -> Self {
        Self { table, seen: Arc::new(Mutex::new(Cache::new(MOST))), deadline: DEADLINE }
    }

    /// Waits so many times as long, for a table that is slower than DynamoDB.
    #[must_use]
    pub fn patient(mut self, patience: u32) -> Self {
        self.deadline = DEADLINE * patience.max(1);
        self
    }

    /// Runs `check` with the policy as it was at most 30 s ago; `None` where there is none. One eventually consistent
    /// read where it is older than that, beside the check where it soon will be. Where it cannot be read, the last one
    /// goes on for ten minutes.
    ///
    /// # Errors
    /// When it cannot be read, and no last one is known.
    pub async fn with<T, Fut: Future<Output = T>>(
        &self,
        space: &Space,
        id: &str,
        now: Instant,
        check: impl FnOnce(Option<Arc<StoredPolicy>>) -> Fut,
    ) -> Result<T, Fault> {
        let seen = self.seen().get(&(space.clone(), id.to_owned())).cloned();
        let (known, tried) = seen.map_or((None, None), |seen| (seen.policy, Some(seen.tried_at)));
        let lately = tried.is_some_and(|tried| now < tried + AGAIN);
        if let Some((policy, read_at)) = known.clone()
            && now < read_at + STALENESS
        {
            if now < read_at + REFRESHED || lately {
                return Ok(check(policy).await);
            }
            let (answer, read) = tokio::join!(check(policy), self.read(space, id, now));
            if let Err(fault) = read {
                tracing::warn!(fault = fault.chain(), policy = id, "a policy could not be read again");
            }
            return Ok(answer);
        }
        let read = match lately {
            true => Err(Fault::transient("a policy could not be read a moment ago")),
            false => self.read(space, id, now).await,
        };
        let policy = match (read, known) {
            (Ok(policy), _) => policy,
            (Err(fault), Some((policy, read_at))) if now < read_at + OUTLIVES => {
                tracing::warn!(fault = fault.chain(), policy = id, "a policy could not be read; the last one goes on");
                policy
            }
            (Err(fault), _) => return Err(fault),
        };
        Ok(check(policy).await)
    }

    async fn read(&self, space: &Space, id: &str, now: Instant) -> Result<Option<Arc<StoredPolicy>>, Fault> {
        let key = StoredPolicy::key_of(space, id);
        let read = self.table.get::<StoredPolicy>(&key, Consistency::Eventual);
        let read = tokio::time::timeout(self.deadline, read).await;
        let read = read.map_err(|_| Fault::transient("a policy was not read in time")).and_then(|read| read);
        let place = (space.clone(), id.to_owned());
        match read {
            Ok(stored) => {
                let policy = stored.filter(|stored| stored.policy.is_some()).map(Arc::new);
                self.seen().insert(place, Seen { policy: Some((policy.clone(), now)), tried_at: now });
                Ok(policy)
            }
            Err(fault) => {
                let policy = self.seen().get(&place).and_then(|seen| seen.policy.clone());
                self.seen().insert(place, Seen { policy, tried_at: now });
                Err(fault)
            }
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Cache<(Space, String), Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
