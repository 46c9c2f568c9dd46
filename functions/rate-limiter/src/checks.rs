//! Checking: find the policy, decide, count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use limiter::{Decision, Mode, Policy, Reason, StoredPolicy, Subject};
use schemars::JsonSchema;
use serde::Deserialize;
use types::{Answer, Instant, Tier};

use crate::App;
use crate::domain::{LimitError, MOST_COST, PolicyName};
use crate::view::{Decided, DecisionView};

/// How long statistics may take. What is then not written is so with the next that is counted.
pub(crate) const STATS_BUDGET: Duration = Duration::from_millis(250);

/// What is asked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The policy's id.
    #[schemars(example = &"api")]
    pub policy: String,
    /// The request's key in each of the policy's dimensions: 1 to 1,024 bytes.
    #[schemars(example = &BTreeMap::from([("user", "u1")]))]
    pub keys: BTreeMap<String, String>,
    /// Units; fewer than none gives back.
    #[serde(default = "one")]
    #[schemars(range(min = -(MOST_COST as i64), max = MOST_COST as i64))]
    pub cost: i64,
    /// What the key's owner pays for.
    #[serde(default)]
    pub tier: Tier,
    /// Another promise for this check: `exact` for one that must not be served from a lease, `hedged` where every
    /// millisecond counts.
    pub mode: Option<Mode>,
}

fn one() -> i64 {
    1
}

impl App {
    /// Decides a check of the caller's, and counts it.
    pub(crate) async fn check(
        &self,
        caller: &str,
        check: &Check,
        now: Instant,
    ) -> Answer<Decided<DecisionView>, LimitError> {
        if check.cost == 0 || check.cost.unsigned_abs() > MOST_COST {
            return Ok(Err(LimitError::CostRange));
        }
        let decided = self.with_policy(caller, &check.policy, now, async |name, stored, policy| {
            let policy = match in_mode(policy, check.mode) {
                Ok(policy) => policy,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let Check { keys, tier, .. } = check;
            let subject = Subject { space: &name.space, id: &name.id, policy: &policy, tier: *tier, keys };
            let units = check.cost.unsigned_abs();
            if check.cost < 0 {
                return self.give_back(&subject, stored, units, now).await;
            }
            let decision = match self.limiter.check(&subject, units, now).await {
                Ok(decision) => decision,
                Err(refusal) => return Ok(Err(refusal.into())),
            };
            self.stats.note(name, keys, &decision, now);
            let view = DecisionView::of(&name.id, stored.version, &decision, now);
            Ok(Ok(Decided::new(view, &name.id, &policy, &decision, now)))
        });
        decided.await
    }

    async fn give_back(
        &self,
        subject: &Subject<'_>,
        stored: &StoredPolicy,
        units: u64,
        now: Instant,
    ) -> Answer<Decided<DecisionView>, LimitError> {
        if !subject.policy.gives() {
            return Ok(Err(LimitError::NoReturn));
        }
        if let Err(refusal) = self.limiter.refund(subject, units, now).await? {
            return Ok(Err(refusal.into()));
        }
        let decision = Decision::bare(true, Reason::Refunded);
        let view = DecisionView::of(subject.id, stored.version, &decision, now);
        Ok(Ok(Decided::new(view, subject.id, subject.policy, &decision, now)))
    }

    /// Does something with one of the caller's policies, which may be 30 s old.
    pub(crate) async fn with_policy<T>(
        &self,
        caller: &str,
        text: &str,
        now: Instant,
        with: impl AsyncFnOnce(&PolicyName, &StoredPolicy, &Policy) -> Answer<T, LimitError>,
    ) -> Answer<T, LimitError> {
        let name = match PolicyName::checkable(text, caller) {
            Ok(name) => name,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let found = self.policies.with(&name.space, &name.id, now, async |stored: Option<Arc<StoredPolicy>>| {
            match stored.as_deref() {
                Some(stored @ StoredPolicy { policy: Some(policy), .. }) => with(&name, stored, policy).await,
                _ => Ok(Err(LimitError::NotFound)),
            }
        });
        found.await?
    }

    /// Writes down what was counted, where that is due. A table that is slow keeps nobody waiting for that.
    pub(crate) async fn write_stats(&self) {
        let writing = self.stats.write_due(&self.store, self.clock.now());
        if tokio::time::timeout(self.stats_budget, writing).await.is_err() {
            aws::count("stats_late", 1.0);
        }
    }
}

/// The policy in another mode, where it can be used in that.
fn in_mode(policy: &Policy, mode: Option<Mode>) -> Result<Policy, LimitError> {
    let Some(mode) = mode.filter(|mode| *mode != policy.mode) else { return Ok(policy.clone()) };
    let (lease, sync) = (policy.lease, policy.sync);
    let policy = Policy {
        mode,
        lease: lease.filter(|_| mode == Mode::NeverOver),
        sync: sync.filter(|_| mode == Mode::NeverUnder),
        ..policy.clone()
    };
    policy.validate().map_err(|_| LimitError::NoSuchMode)?;
    Ok(policy)
}
