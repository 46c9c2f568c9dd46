//! What this sandbox remembers of links and domains, so that a popular one costs no read.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use types::Instant;

use crate::domain::Link;
use crate::follow::STALENESS;

/// Links kept (guide 000 keeps 100,000; typically 5 MB, and 60 MB if every field were as long as it may be).
const LINKS: usize = 10_000;

/// Something that ends at some time by itself.
pub(crate) trait Ends {
    /// When it must be looked at again, whatever was remembered.
    fn ends_at(&self) -> Option<Instant>;
}

impl Ends for Link {
    fn ends_at(&self) -> Option<Instant> {
        self.expires_at
    }
}

impl Ends for crate::domain::Domain {
    fn ends_at(&self) -> Option<Instant> {
        None
    }
}

/// A bounded cache of what is there and of what is not. Expiry is compared at every use, so an entry's age bounds only
/// how late a change is seen.
#[derive(Debug)]
pub(crate) struct Memory<K, T> {
    known: Cache<K, (Option<Arc<T>>, Instant)>,
    absent: Duration,
}

impl<K: Clone + Eq + Hash, T: Ends> Memory<K, T> {
    /// A memory that believes for `absent` that there is nothing where it saw nothing.
    pub fn new(absent: Duration) -> Self {
        Self { known: Cache::new(LINKS), absent }
    }

    /// What was remembered less than [`STALENESS`] ago (or `absent`, for nothing) and has not ended since.
    #[allow(clippy::option_option)] // known to be absent, and not known
    pub fn get(&self, key: &K, now: Instant) -> Option<Option<Arc<T>>> {
        let (value, until) = self.known.get(key)?;
        (now < until).then_some(value)
    }

    /// Remembers what there is, for min([`STALENESS`], time to its end), or that there is nothing.
    pub fn insert(&self, key: &K, value: Option<&Arc<T>>, now: Instant) {
        let until = match value {
            Some(value) => value.ends_at().map_or(now + STALENESS, |at| at.min(now + STALENESS)),
            None => now + self.absent,
        };
        self.known.insert(key.clone(), (value.cloned(), until));
    }
}
