//! What this sandbox remembers of links, so that a popular one costs no read.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use types::Instant;

use crate::domain::{Code, Link};

/// Links kept (guide 000 keeps 100,000; typically 5 MB, and 60 MB if every field were as long as it may be).
const LINKS: usize = 10_000;
/// How old a remembered link may be: a link that is disabled opens for at most this long elsewhere. The guides' caches
/// of 1 h and 24 h serve links that were deleted or expired long ago.
pub const STALENESS: Duration = Duration::from_secs(60);

/// A bounded cache. Expiry is compared at every use, so an entry's age bounds only how late a disabling is seen.
#[derive(Debug)]
pub struct LinkCache(Cache<Code, (Arc<Link>, Instant)>);

impl Default for LinkCache {
    fn default() -> Self {
        Self(Cache::new(LINKS))
    }
}

impl LinkCache {
    /// The link, if it was remembered less than [`STALENESS`] ago and has not expired since.
    pub fn get(&self, code: &Code, now: Instant) -> Option<Arc<Link>> {
        let (link, until) = self.0.get(code)?;
        (now < until).then_some(link)
    }

    /// Remembers a link for min([`STALENESS`], time to its expiry).
    pub fn insert(&self, link: &Arc<Link>, now: Instant) {
        let until = link.expires_at.map_or(now + STALENESS, |at| at.min(now + STALENESS));
        self.0.insert(link.code.clone(), (Arc::clone(link), until));
    }
}
