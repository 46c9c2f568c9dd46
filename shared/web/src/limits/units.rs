//! What one request takes from its route's limit.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use limiter::{CheckError, Decision, Policy, Reason, Subject};
use types::{Fault, Instant, Tier};

use super::{Limits, problem, tell};
use crate::Problem;
use crate::describe::{Input, Operation};
use crate::kind::shared;

/// What a limited request takes, for a handler that finds that it takes more: a batch, an upload. Without a limit, it
/// takes nothing.
#[derive(Clone)]
pub struct Units(Option<Arc<Taken>>);

/// What a request has taken so far, and from what.
pub(super) struct Taken {
    pub(super) limits: Limits,
    pub(super) id: &'static str,
    pub(super) policy: Policy,
    pub(super) tier: Tier,
    pub(super) keys: BTreeMap<String, String>,
    pub(super) at: Instant,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// The last decision.
    decision: Option<Decision>,
    /// Units taken by all of them.
    units: u64,
    /// One of them was refused.
    refused: bool,
}

impl Taken {
    fn subject(&self) -> Subject<'_> {
        let Self { limits, id, policy, tier, keys, .. } = self;
        Subject { space: &limits.space, id, policy, tier: *tier, keys }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn take(&self, units: u64) -> Result<(), Problem> {
        let decision = match self.limits.limiter.check(&self.subject(), units, self.at).await {
            Ok(decision) => decision,
            Err(CheckError::Cost { most, .. }) => {
                self.state().refused = true;
                return Err(Problem::of(shared::INVALID_BODY)
                    .detail("It takes more at once than the limit ever has.")
                    .with("policy", self.id)
                    .with("limit", most));
            }
            Err(refusal) => return Err(Fault::permanent(format!("{}: {refusal}", self.id)).into()),
        };
        let mut state = self.state();
        state.units += if decision.reason == Reason::Admitted { units } else { 0 };
        state.refused = !decision.allowed;
        let refused = (!decision.allowed).then(|| problem(self.id, &self.policy, &decision, self.at));
        state.decision = Some(decision);
        refused.map_or(Ok(()), Err)
    }

    /// Says how much is left, by the last decision; nothing where there was none.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        if let Some(decision) = &self.state().decision {
            tell(self.id, &self.policy, decision, self.at, headers);
        }
    }

    /// Gives back what is not counted: by what it was answered, or since it was refused after all.
    pub(super) async fn settle(&self, status: u16) {
        let (units, refused) = {
            let state = self.state();
            (state.units, state.refused)
        };
        if units == 0 || !self.policy.gives() || !(refused || self.policy.gives_back(status)) {
            return;
        }
        let subject = self.subject();
        let refund = self.limits.limiter.refund(&subject, units, self.at);
        match tokio::time::timeout(self.limits.limiter.deadline(&self.policy), refund).await {
            Ok(Ok(_)) => {}
            Ok(Err(fault)) => tracing::warn!(fault = fault.chain(), policy = self.id, "units were not given back"),
            Err(_) => tracing::warn!(policy = self.id, "units were not given back in time"),
        }
    }
}

impl Units {
    pub(super) fn of(taken: &Arc<Taken>) -> Self {
        Self(Some(Arc::clone(taken)))
    }

    /// Takes so many: all of them, or the request is refused, and gets back what it took before.
    ///
    /// # Errors
    /// 429, as the route's limit; 503 where it cannot be checked and fails closed.
    pub async fn take(&self, units: u64) -> Result<(), Problem> {
        match &self.0 {
            Some(taken) if units > 0 => taken.take(units).await,
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Units {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self(None)))
    }
}

/// The route's limit says what there is to say.
impl Input for Units {
    fn describe(_: &mut Operation<'_>) {}
}
