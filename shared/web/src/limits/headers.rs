//! How limits are told: `X-RateLimit-Limit`, `-Remaining` and `-Reset` (guides 000, 003, 004; epoch seconds), and
//! `Retry-After` (RFC 9110) with 429. The fields of draft-ietf-httpapi-ratelimit-headers-10 where a policy asks for
//! them: clients that know only the former are blinded by the latter.

use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use limiter::{Decision, Part, Policy, Reason};
use types::{Fault, Instant};

use crate::Problem;
use crate::kind::shared;

/// The refusal as a problem.
pub fn problem(id: &str, policy: &Policy, decision: &Decision, now: Instant) -> Problem {
    let Some(part) = decision.telling() else {
        // Not known to be too many: the table did not say, and the policy fails closed.
        return Problem::from(Fault::transient(format!("the limit {id} could not be checked")));
    };
    let seconds = retry_after_seconds(decision, now);
    let mut problem = Problem::of(shared::RATE_LIMITED)
        .detail(format!("the limit of {} by {} is used up; ask again in {seconds} s", part.most, part.dimension))
        .with("policy", id)
        .with("dimension", &part.dimension)
        .with("limit", part.most)
        .with("retry_after_seconds", seconds)
        .with("banned", decision.reason == Reason::Banned)
        .retry_after(Duration::from_secs(seconds.unsigned_abs()));
    if policy.ietf_fields {
        let violated = decision.parts.iter().filter(|part| part.retry_at.is_some());
        let violated: Vec<String> = violated.map(|part| field_name(id, policy, part)).collect();
        problem = problem.with("violated-policies", violated);
    }
    problem
}

/// Seconds until there may be room, at least 1.
pub fn retry_after_seconds(decision: &Decision, now: Instant) -> i64 {
    decision.retry_at().map_or(1, |at| seconds_until(at, now).max(1))
}

fn seconds_until(at: Instant, now: Instant) -> i64 {
    (at.millis() - now.millis() + 999).div_euclid(1000).max(0)
}

/// Adds the headers that tell how much is left. Where there is no limit, or the table did not say, there are none.
pub fn tell(id: &str, policy: &Policy, decision: &Decision, now: Instant, headers: &mut HeaderMap) {
    if !decision.allowed {
        headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(decision, now)));
    }
    let Some(part) = decision.telling() else { return };
    let reset = (part.reset_at.millis() + 999).div_euclid(1000);
    for (name, value) in [
        ("x-ratelimit-limit", HeaderValue::from(part.most)),
        ("x-ratelimit-remaining", HeaderValue::from(part.remaining)),
        ("x-ratelimit-reset", HeaderValue::from(reset)),
    ] {
        headers.insert(HeaderName::from_static(name), value);
    }
    if !policy.ietf_fields {
        return;
    }
    let quota = |part: &Part| {
        let name = field_name(id, policy, part);
        format!("\"{name}\";q={};w={}", part.most, part.limit.per_seconds)
    };
    let left = |part: &Part| {
        // Not later than Retry-After, as the draft demands.
        let until = part.retry_at.unwrap_or(part.reset_at);
        format!("\"{}\";r={};t={}", field_name(id, policy, part), part.remaining, seconds_until(until, now))
    };
    let lists = [
        ("ratelimit-policy", decision.parts.iter().map(quota).collect::<Vec<_>>().join(", ")),
        ("ratelimit", decision.parts.iter().map(left).collect::<Vec<_>>().join(", ")),
    ];
    for (name, list) in lists {
        // Ids and names have no character that a quoted string would have to escape.
        if let Ok(list) = HeaderValue::try_from(list) {
            headers.insert(HeaderName::from_static(name), list);
        }
    }
}

/// The policy's name in the fields: one for each dimension, where there are several.
fn field_name(id: &str, policy: &Policy, part: &Part) -> String {
    if policy.dimensions.len() == 1 { id.to_owned() } else { format!("{id}.{}", part.dimension) }
}
