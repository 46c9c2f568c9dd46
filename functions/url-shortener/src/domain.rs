//! Short links: what a code and a target may be, when a link opens, and what its clicks add up to.

mod click;
mod code;
mod counts;
mod link;
mod permutation;
mod target;

pub use click::{Click, Device, referrer_host};
pub use code::{Code, RESERVED};
pub use counts::{Counts, DayStats, Stats};
pub(crate) use link::GRACE;
pub use link::{Draft, Link, LinkError, State};
pub use permutation::{CODES, Permutation};
pub use target::{Target, TargetError};
