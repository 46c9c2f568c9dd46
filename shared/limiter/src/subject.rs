//! Whose request it is, and which buckets it takes from.

use std::collections::BTreeMap;
use std::fmt;

use dynamo::Key;
use types::Tier;
use types::secret::PurposeKey;

use crate::bucket::Rule;
use crate::limit::Limit;
use crate::policy::Policy;

/// Longest key of a dimension, in bytes.
pub const MOST_KEY_BYTES: usize = 1024;

/// Whose policies and buckets: names in one space mean nothing in another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Space {
    /// A tenant's own.
    Tenant(String),
    /// Those of a system's routes.
    System(String),
}

impl fmt::Display for Space {
    /// As it stands in keys; neither tenants nor systems have `#` in their names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => write!(f, "t#{tenant}"),
            Self::System(system) => write!(f, "s#{system}"),
        }
    }
}

/// A request, as a policy sees it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Whose policy.
    pub space: &'a Space,
    /// Its id.
    pub id: &'a str,
    /// The policy.
    pub policy: &'a Policy,
    /// What the key's owner pays for.
    pub tier: Tier,
    /// The request's key in each dimension.
    pub keys: &'a BTreeMap<String, String>,
}

/// Why a check cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum CheckError {
    #[error("the policy has the dimension {0:?}, and there is no key for it")]
    KeyMissing(String),
    #[error("the policy has no dimension {0:?}")]
    NoSuchDimension(String),
    #[error("the key of {0:?} is empty or longer than {MOST_KEY_BYTES} bytes")]
    Key(String),
    #[error("{dimension:?} never has room for a cost of {cost}: it holds at most {most}")]
    Cost { dimension: String, cost: u64, most: u64 },
}

/// A key's bucket in one dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub dimension: String,
    pub rule: Rule,
    /// The limit of all shards together.
    pub whole: Limit,
    /// Partition of the whole bucket; a shard's has its number behind it.
    base: String,
    /// Which shard, of how many.
    shard: (u64, u64),
}

impl Bucket {
    /// Its partition is its own: what is limited never slows down, or is slowed down by, anything else.
    pub fn key(&self, now: i64) -> Key {
        Key::new(self.partition(), self.sort_key(now))
    }

    /// The last window's item, of what counts in windows.
    pub fn key_before(&self, now: i64) -> Option<Key> {
        let window = self.rule.window(now)?;
        Some(Key::new(self.partition(), self.sort_key(window.start - 1)))
    }

    /// All its items that count.
    pub fn keys(&self, now: i64) -> impl Iterator<Item = Key> + use<> {
        std::iter::once(self.key(now)).chain(self.key_before(now))
    }

    fn partition(&self) -> String {
        format!("{}#{}", self.base, self.shard.0)
    }

    fn sort_key(&self, now: i64) -> String {
        match self.rule.window(now) {
            // A TAT is a time, which means other units at another rate: that is another bucket.
            None if self.rule.algorithm.is_bucket() => format!("BUCKET#{}", self.whole.interval()),
            None => "LOG".to_owned(),
            Some(window) => {
                format!("WINDOW#{:012}#{}", window.start / crate::limit::NANOS, self.rule.limit.per_seconds)
            }
        }
    }

    /// Under which it is remembered.
    pub fn name(&self, now: i64) -> String {
        format!("{}#{}", self.partition(), self.sort_key(now))
    }

    /// How many shards the key has.
    pub fn shards(&self) -> u64 {
        self.shard.1
    }

    /// One of its shards, with its part of the limit.
    pub fn shard(&self, index: u64) -> Self {
        let shards = self.shards();
        let rule = Rule { limit: self.rule.limit.part(index, shards), ..self.rule };
        Self { rule, shard: (index, shards), ..self.clone() }
    }

    /// All its shards.
    pub fn each_shard(&self) -> impl Iterator<Item = Self> {
        (0..self.shards()).map(|index| self.shard(index))
    }
}

impl Subject<'_> {
    /// The buckets of the dimensions that have a limit for this tier.
    ///
    /// # Errors
    /// When the keys are not those of the policy's dimensions.
    pub(crate) fn buckets(&self, digest: &PurposeKey) -> Result<Vec<Bucket>, CheckError> {
        let named = |name: &String| self.policy.dimensions.iter().any(|dimension| dimension.name == *name);
        if let Some(other) = self.keys.keys().find(|name| !named(name)) {
            return Err(CheckError::NoSuchDimension(other.clone()));
        }
        let mut buckets = Vec::with_capacity(self.policy.dimensions.len());
        for dimension in &self.policy.dimensions {
            let name = &dimension.name;
            let key = self.keys.get(name).ok_or_else(|| CheckError::KeyMissing(name.clone()))?;
            if !(1..=MOST_KEY_BYTES).contains(&key.len()) {
                return Err(CheckError::Key(name.clone()));
            }
            if let Some(limit) = dimension.limit_of(self.tier) {
                buckets.push(self.bucket(name, key, limit, digest));
            }
        }
        Ok(buckets)
    }

    /// Keys may be personal (addresses), so what is stored is a keyed digest.
    fn bucket(&self, dimension: &str, key: &str, limit: Limit, digest: &PurposeKey) -> Bucket {
        let digest = &digest.mac_text(key.as_bytes())[..22];
        Bucket {
            dimension: dimension.to_owned(),
            rule: Rule { algorithm: self.policy.algorithm, limit },
            whole: limit,
            base: format!("BUCKET#{}#{}#{dimension}#{digest}", self.space, self.id),
            shard: (0, self.policy.shards.into()),
        }
    }
}
