//! Where new codes come from: the guides' ways of making one, behind one trait.

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant as Tick;
use types::secret::PurposeKey;
use types::{Fault, Secret, random};

use crate::domain::{Code, Permutation, Shape, Strategy, Target};
use crate::store::Store;

/// Ids of one lease: one write per thousand links. A sandbox that dies loses what is left, of 3.5 × 10^12.
const LEASE: u32 = 1000;
/// With fewer ids left than this, the next block is leased ahead: should the counter not answer, the rest still serves.
const LOW: u64 = 100;
/// How long a lease may take before links go on without it.
const LEASE_BUDGET: Duration = Duration::from_secs(1);

/// A code to come.
pub type Next<'a> = Pin<Box<dyn Future<Output = Code> + Send + 'a>>;

/// A source of codes. Whether a code is free, the claim decides by its condition; a source that gives one twice costs
/// another attempt.
pub trait Generator: fmt::Debug + Send + Sync {
    /// A code for `owner`'s link to `url`; `attempt` counts those of this link that were taken, from 0.
    fn next<'a>(&'a self, owner: &'a str, url: &'a Target, attempt: u8) -> Next<'a>;
}

/// The stage's source.
pub fn generator(strategy: Strategy, shape: Shape, store: Store, secret: &Secret) -> Arc<dyn Generator> {
    match strategy {
        Strategy::Permuted => {
            let permutation = Permutation::new(secret.key("codes"), shape.size());
            Arc::new(Leased { store, shape, permutation: Some(permutation), ids: Mutex::default() })
        }
        Strategy::Counter => Arc::new(Leased { store, shape, permutation: None, ids: Mutex::default() }),
        Strategy::Random => Arc::new(Random(shape)),
        Strategy::Hash => Arc::new(Hashed { shape, key: secret.key("hashes") }),
    }
}

/// Numbers from blocks that this sandbox leased, each a code without a look-up.
#[derive(Debug)]
struct Leased {
    store: Store,
    shape: Shape,
    permutation: Option<Permutation>,
    ids: Mutex<Ids>,
}

#[derive(Debug, Default)]
struct Ids {
    /// The block in use …
    current: Range<u64>,
    /// … and the one after it.
    next: Range<u64>,
    /// When no block could be leased: for a moment nobody asks again, so that many who wait do not wait in a row.
    failed: Option<Tick>,
}

impl Leased {
    async fn id(&self) -> Result<u64, Fault> {
        let mut ids = self.ids.lock().await;
        let Ids { current, next, failed } = &mut *ids;
        let left = current.end - current.start;
        let asked = failed.is_some_and(|at| at.elapsed() < LEASE_BUDGET);
        if next.is_empty() && left < LOW && !asked {
            match tokio::time::timeout(LEASE_BUDGET, self.store.lease_ids(LEASE)).await {
                Ok(Ok(block)) => *next = block,
                Ok(Err(fault)) => {
                    *failed = Some(Tick::now());
                    tracing::warn!(fault = fault.chain(), "no ids could be leased");
                }
                Err(_) => *failed = Some(Tick::now()),
            }
        }
        if current.is_empty() {
            *current = std::mem::take(next);
        }
        current.next().ok_or_else(|| Fault::transient("the counter of ids did not answer"))
    }
}

impl Generator for Leased {
    fn next<'a>(&'a self, _: &'a str, _: &'a Target, _: u8) -> Next<'a> {
        Box::pin(async move {
            match self.id().await {
                Ok(id) => self.shape.code(self.permutation.as_ref().map_or(id, |permutation| permutation.apply(id))),
                Err(fault) => {
                    // Links go on with random codes, which collide now and then and are then made anew.
                    aws::count("codes_unleased", 1.0);
                    tracing::warn!(fault = fault.chain(), "a code comes from chance");
                    Random(self.shape).code()
                }
            }
        })
    }
}

/// Chance alone (guide 000).
#[derive(Debug)]
struct Random(Shape);

impl Random {
    fn code(&self) -> Code {
        // 64 bits modulo at most 62^10 favour no code by more than one part in twenty.
        self.0.code(u64::from_be_bytes(random::bytes()))
    }
}

impl Generator for Random {
    fn next<'a>(&'a self, _: &'a str, _: &'a Target, _: u8) -> Next<'a> {
        Box::pin(async { self.code() })
    }
}

/// A keyed hash of the owner and the URL, and when all its parts are taken, chance.
#[derive(Debug)]
struct Hashed {
    shape: Shape,
    key: PurposeKey,
}

/// Hashes tried before chance.
const HASHES: u8 = 2;

impl Generator for Hashed {
    fn next<'a>(&'a self, owner: &'a str, url: &'a Target, attempt: u8) -> Next<'a> {
        Box::pin(async move {
            match attempt {
                0..HASHES => self.shape.hashed(&self.key, owner, url.as_str(), attempt),
                _ => Random(self.shape).code(),
            }
        })
    }
}
