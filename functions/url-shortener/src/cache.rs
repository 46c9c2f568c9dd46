//! What this sandbox remembers of links and domains, so that a popular one costs no read.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use types::Instant;

use crate::domain::Link;
use crate::follow::STALENESS;

/// About how many links are kept (guide 000 keeps 100,000): the bytes decide.
const LINKS: usize = 10_000;
/// Most bytes that are kept: typically 50,000 links; one with every rule that it may have weighs some 50 KB.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// Something that ends at some time by itself.
pub(crate) trait Ends {
    /// When it must be looked at again, whatever was remembered.
    fn ends_at(&self) -> Option<Instant>;

    /// About how many bytes it takes.
    fn bytes(&self) -> u64;
}

/// About how many bytes a link takes beside its texts and its rules.
const BASE_BYTES: u64 = 600;
/// Five values of 200 characters.
const MOST_UTM_BYTES: usize = 5 * 800;

impl Ends for Link {
    fn ends_at(&self) -> Option<Instant> {
        self.expires_at
    }

    fn bytes(&self) -> u64 {
        let rules = self.rules.iter().map(|rule| BASE_BYTES + rule.url.as_str().len() as u64 + rule.when.bytes());
        let texts = self.title.as_ref().map_or(0, String::len) + self.tags.iter().map(String::len).sum::<usize>();
        let extras = self.fallback_url.as_ref().map_or(0, |url| url.as_str().len())
            + self.utm.as_ref().map_or(0, |_| MOST_UTM_BYTES);
        BASE_BYTES + (self.url.as_str().len() + texts + extras) as u64 + rules.sum::<u64>()
    }
}

impl Ends for crate::domain::Domain {
    fn ends_at(&self) -> Option<Instant> {
        None
    }

    fn bytes(&self) -> u64 {
        let urls = [&self.root_url, &self.not_found_url, &self.expired_url];
        BASE_BYTES + urls.into_iter().flatten().map(|url| url.as_str().len() as u64).sum::<u64>()
    }
}

/// What is remembered weighs what it holds.
#[derive(Debug, Clone)]
struct Bytes;

impl<K, T: Ends> Weighter<K, (Option<Arc<T>>, Instant)> for Bytes {
    fn weight(&self, _: &K, (value, _): &(Option<Arc<T>>, Instant)) -> u64 {
        value.as_ref().map_or(BASE_BYTES, |value| value.bytes())
    }
}

/// A bounded cache of what is there and of what is not. Expiry is compared at every use, so an entry's age bounds only
/// how late a change is seen.
#[derive(Debug)]
pub(crate) struct Memory<K, T: Ends> {
    known: Cache<K, (Option<Arc<T>>, Instant), Bytes>,
    absent: Duration,
}

impl<K: Clone + Eq + Hash, T: Ends> Memory<K, T> {
    /// A memory that believes for `absent` that there is nothing where it saw nothing.
    pub fn new(absent: Duration) -> Self {
        Self { known: Cache::with_weighter(LINKS, MOST_BYTES, Bytes), absent }
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
