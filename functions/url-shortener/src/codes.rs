//! New codes without a look-up: this sandbox leases blocks of ids and sends each through the stage's permutation.

use std::ops::Range;

use tokio::sync::Mutex;
use types::{Fault, Secret};

use crate::domain::{Code, Permutation};
use crate::store::Store;

/// Ids of one lease: one write per thousand links. A sandbox that dies loses what is left, of 3.5 × 10^12.
const LEASE: u32 = 1000;

/// A source of codes.
#[derive(Debug)]
pub struct Codes {
    store: Store,
    permutation: Permutation,
    leased: Mutex<Range<u64>>,
}

impl Codes {
    /// The codes of the stage whose secret this is.
    pub fn new(store: Store, secret: &Secret) -> Self {
        Self { store, permutation: Permutation::new(secret.key("codes")), leased: Mutex::new(0..0) }
    }

    /// A code that nobody was given before.
    ///
    /// # Errors
    /// When no ids could be leased.
    pub async fn next(&self) -> Result<Code, Fault> {
        let mut leased = self.leased.lock().await;
        if leased.is_empty() {
            *leased = self.store.lease_ids(LEASE).await?;
        }
        let id = leased.start;
        leased.start += 1;
        Ok(Code::of_id(id, &self.permutation))
    }
}
