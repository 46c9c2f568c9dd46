//! Values every system shares: time, randomness, keys, and the two kinds of failure. No I/O but the clock and the
//! random source, which live here so that everything else takes them as arguments.

pub mod base62;
pub mod fault;
mod hash;
pub mod money;
pub mod once;
mod priority;
pub mod random;
pub mod secret;
mod tier;
pub mod time;
mod trace;

pub use fault::{Answer, Fault};
pub use hash::fnv1a;
pub use money::Currency;
pub use once::{Once, OnceRefusal};
pub use priority::Priority;
pub use secret::Secret;
pub use tier::Tier;
pub use time::{Clock, Day, Instant};
pub use trace::Trace;

/// Longest name of a tenant, in bytes: that of a token's user has up to 255 characters, each written as three at most.
pub const MOST_TENANT_BYTES: usize = 800;

/// Whether a tenant may be called this, in what other systems send: visible ASCII characters without `#`, which
/// separates the parts of keys. (`identity`, which makes the names, takes fewer characters.)
pub fn is_tenant(name: &str) -> bool {
    (1..=MOST_TENANT_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}
