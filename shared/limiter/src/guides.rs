//! The limits that the guides name, ready for routes to name them: by user, and none for the tier enterprise.

use types::Tier;

use crate::limit::Limit;
use crate::policy::{Dimension, Policy};

const MINUTE: u32 = 60;
const HOUR: u32 = 3600;

/// Of what a tier buys (guides 000 and 002): free 100 an hour, basic 1,000, premium 10,000.
pub fn tiers() -> Policy {
    by_user(Limit::new(100, HOUR), &[(Tier::Basic, 1_000), (Tier::Pro, 10_000)])
}

/// Of what looks through many things (guide 003): 100 a minute.
pub fn search() -> Policy {
    by_user(Limit::new(100, MINUTE), &[])
}

/// Of what takes much in (guide 003): 10 a minute.
pub fn upload() -> Policy {
    by_user(Limit::new(10, MINUTE), &[])
}

/// Of what gives much out (guide 003): 1,000 an hour.
pub fn download() -> Policy {
    by_user(Limit::new(1_000, HOUR), &[])
}

/// Of all else that has a limit (guide 003): 1,000 a minute.
pub fn other() -> Policy {
    by_user(Limit::new(1_000, MINUTE), &[])
}

fn by_user(limit: Limit, tiers: &[(Tier, u64)]) -> Policy {
    let mut user = Dimension::new("user", limit);
    user.tiers = tiers.iter().map(|(tier, quota)| (*tier, Some(Limit { quota: *quota, ..limit }))).collect();
    user.tiers.insert(Tier::Enterprise, None);
    Policy::of(vec![user])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_guides_numbers() {
        let per = |policy: &Policy, tier| policy.dimensions[0].limit_of(tier).map(|it| (it.quota, it.per_seconds));
        for (policy, free, pro) in [
            (tiers(), (100, 3600), (10_000, 3600)),
            (search(), (100, 60), (100, 60)),
            (upload(), (10, 60), (10, 60)),
            (download(), (1_000, 3600), (1_000, 3600)),
            (other(), (1_000, 60), (1_000, 60)),
        ] {
            assert_eq!(policy.validate(), Ok(()));
            assert_eq!((per(&policy, Tier::Free), per(&policy, Tier::Pro)), (Some(free), Some(pro)));
            assert_eq!(per(&policy, Tier::Enterprise), None);
        }
        assert_eq!(per(&tiers(), Tier::Basic), Some((1_000, 3600)));
    }
}
