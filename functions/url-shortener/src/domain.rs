//! Short links: what a code and a target may be, when a link opens and whom it leads where, and what its clicks add up
//! to.

mod agent;
mod caching;
mod click;
mod code;
mod counts;
mod destination;
mod edit;
mod host;
mod link;
mod password;
mod permutation;
mod refusal;
mod rules;
mod shape;
mod stats;
mod status;
mod target;
mod warning;

pub use agent::{Browser, Device, Os};
pub use click::{Click, referrer_host};
pub use code::{Code, RESERVED};
pub use counts::Counts;
pub use destination::{Destination, Utm};
pub use edit::{Change, Edit, end};
pub use host::{Domain, DomainName};
pub(crate) use link::GRACE;
pub use link::{Link, State};
pub use password::Password;
pub use permutation::Permutation;
pub use refusal::LinkError;
pub use rules::{Rule, Visit, When, languages};
pub use shape::{Alphabet, Shape, Strategy};
pub use stats::{DayStats, HourStats, Stats};
pub use status::RedirectStatus;
pub use target::{Target, TargetError};
pub(crate) use warning::{end_of_warning, warning_before};
