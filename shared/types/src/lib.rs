//! Values every system shares: time, randomness, keys, and the two kinds of failure. No I/O but the clock and the
//! random source, which live here so that everything else takes them as arguments.

pub mod base62;
pub mod fault;
pub mod money;
pub mod once;
mod priority;
pub mod random;
pub mod secret;
mod tier;
pub mod time;
mod trace;

pub use fault::{Answer, Fault};
pub use money::Currency;
pub use once::{Once, OnceRefusal};
pub use priority::Priority;
pub use secret::Secret;
pub use tier::Tier;
pub use time::{Clock, Day, Instant};
pub use trace::Trace;

/// Whether a tenant may be called this: what owners of keys and users of tokens are called, at most 800 visible ASCII
/// characters without `#`, which separates the parts of keys.
pub fn is_tenant(name: &str) -> bool {
    (1..=800).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}
