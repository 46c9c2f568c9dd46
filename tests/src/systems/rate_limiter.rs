//! The rate limiter, as its documentation would tell it.

mod faults;
mod policies;
mod sandboxes;

use rate_limiter::{App, system};
use serde_json::json;
use testkit::{Worlds, play};

use crate::cloud::access::{Case, case};

pub(crate) const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// How the deployed routes are called by the right tenant and by another one; `{id}` is a policy of the right one's.
pub(crate) fn access() -> Vec<Case> {
    let check = json!({"policy": "matrix", "keys": {"user": "u1"}});
    let reserve = json!({"policy": "matrix", "keys": {"user": "u1"}, "cost": 2});
    let policy = json!({"dimensions": [{"name": "user", "limit": {"quota": 1000, "per_seconds": 60}}]});
    let peek = "/peek?policy=matrix&keys=%7B%22user%22%3A%22u1%22%7D";
    vec![
        case("check_limit", "/check", Some(check.clone()), 200, 404),
        case("check_limits", "/check/batch", Some(json!({"checks": [check]})), 200, 200),
        case("reserve_units", "/reserve", Some(reserve), 200, 404),
        case("reconcile_units", "/reconcile", Some(json!({"reservation": "bm9uZQ", "cost": 1})), 422, 422),
        case("peek_limit", peek, None, 200, 404),
        case("reset_bucket", "/buckets/matrix/u1", None, 204, 404),
        case("list_policies", "/policies", None, 200, 200),
        case("get_policy", "/policies/{id}", None, 200, 404),
        case("put_policy", "/policies/other", Some(policy), 200, 201),
        case("delete_policy", "/policies/{id}", None, 204, 404),
        case("list_versions", "/policies/{id}/versions", None, 200, 404),
        case("get_stats", "/policies/{id}/stats", None, 200, 404),
        case("check_health", "/health", None, 200, 200),
    ]
}

#[track_caller]
fn check(script: &str) {
    play(&WORLDS, &[("STATS_SECONDS", "0")], script);
}

#[test]
fn it_answers_and_rejects_what_it_does_not_know() {
    check(
        "anon  GET  /health     200 {status: ok}
         anon  GET  /openapi.json  200 {openapi: 3.1.0}
         anon  GET  /docs       200
         anon  GET  /nowhere    404 no-such-route
         anon  POST /health {}  405 method-not-allowed",
    );
}

#[test]
fn a_check_takes_and_the_last_unit_is_followed_by_a_refusal() {
    check(
        "alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 2, per_seconds: 60}}]}  201 {id: api, version: 1}
         header etag \"1\"
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: true, reason: admitted, version: 1, dimension: user, limit: 2, remaining: 1}
         header x-ratelimit-limit 2
         header x-ratelimit-remaining 1
         header x-ratelimit-reset 1800000030
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: true, remaining: 0}
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: false, reason: denied, remaining: 0, retry_after_seconds: 30}
         header retry-after 30
         alice  POST /check {policy: api, keys: {user: u2}}  200 {allowed: true}
         clock  +30s
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: true, remaining: 0}
         bob    POST /check {policy: api, keys: {user: u1}}  404 policy-not-found",
    );
}

/// What is known to be refused costs no call, and what is checked in the common case costs one.
#[test]
fn a_check_costs_one_call_and_a_refusal_of_what_is_known_none() {
    play(
        &WORLDS,
        &[("STATS_SECONDS", "300")],
        "alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 2, per_seconds: 3600}}]}  201
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: true}
         # the policy, the bucket, and the statistics of the first check
         calls 3
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: true}
         calls 1
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: false}
         calls 0
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: false}
         calls 0
         clock  +25s
         # the policy is read again beside the check, before it is too old; what was seen of the bucket is too old
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: false}
         calls 2
         clock  +31s
         alice  POST /check {policy: api, keys: {user: u2}}  200 {allowed: true}
         calls 2",
    );
}

#[test]
fn each_algorithm_counts_in_its_way() {
    check(
        "alice  PUT  /policies/queue {algorithm: leaky_bucket, dimensions: [{name: user, limit: {quota: 5, per_seconds: 1, burst: 3}}]}  201
         alice  POST /check {policy: queue, keys: {user: u1}}  200 {allowed: true, wait_ms: null}
         alice  POST /check {policy: queue, keys: {user: u1}}  200 {allowed: true, wait_ms: 200}
         alice  POST /check {policy: queue, keys: {user: u1}}  200 {allowed: true, wait_ms: 400}
         alice  POST /check {policy: queue, keys: {user: u1}}  200 {allowed: false, wait_ms: null}
         alice  PUT  /policies/window {algorithm: fixed_window, dimensions: [{name: user, limit: {quota: 2, per_seconds: 60}}]}  201
         clock  +59s
         alice  POST /check {policy: window, keys: {user: u1}, cost: 2}  200 {allowed: true, remaining: 0}
         calls 3
         alice  POST /check {policy: window, keys: {user: u1}}           200 {allowed: false, retry_after_seconds: 1}
         clock  +1s
         alice  POST /check {policy: window, keys: {user: u1}, cost: 2}  200 {allowed: true, remaining: 0}
         alice  PUT  /policies/sliding {algorithm: sliding_counter, dimensions: [{name: user, limit: {quota: 100, per_seconds: 60}}]}  201
         alice  POST /check {policy: sliding, keys: {user: u1}, cost: 60}  200 {allowed: true, remaining: 40}
         clock  +90s
         alice  POST /check {policy: sliding, keys: {user: u1}, cost: 40}  200 {allowed: true, remaining: 30}
         alice  POST /check {policy: sliding, keys: {user: u1}, cost: 31}  200 {allowed: false}
         alice  POST /check {policy: sliding, keys: {user: u1}, cost: 30}  200 {allowed: true, remaining: 0}
         alice  PUT  /policies/log {algorithm: sliding_log, dimensions: [{name: user, limit: {quota: 2, per_seconds: 60}}]}  201
         alice  POST /check {policy: log, keys: {user: u1}}  200 {allowed: true, remaining: 1}
         clock  +20s
         alice  POST /check {policy: log, keys: {user: u1}}  200 {allowed: true, remaining: 0}
         alice  POST /check {policy: log, keys: {user: u1}}  200 {allowed: false, retry_after_seconds: 40}
         clock  +40s
         alice  POST /check {policy: log, keys: {user: u1}}  200 {allowed: true, remaining: 0}",
    );
}

#[test]
fn all_dimensions_have_room_or_none_is_taken_from() {
    check(
        "alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 5, per_seconds: 3600}}, {name: ip, limit: {quota: 2, per_seconds: 3600}}]}  201
         alice  POST /check {policy: api, keys: {user: u1, ip: i1}}  200 {allowed: true, dimension: ip, remaining: 1}
         alice  POST /check {policy: api, keys: {user: u2, ip: i1}}  200 {allowed: true, dimension: ip, remaining: 0}
         alice  POST /check {policy: api, keys: {user: u3, ip: i1}}  200 {allowed: false, dimension: ip}
         # nothing was taken of u3's
         alice  POST /check {policy: api, keys: {user: u3, ip: i2}, cost: 2}  200 {allowed: true}
         alice  POST /check {policy: api, keys: {user: u3, ip: i3}, cost: 2}  200 {allowed: true}
         alice  POST /check {policy: api, keys: {user: u3, ip: i4}, cost: 2}  200 {allowed: false, dimension: user}
         alice  POST /check {policy: api, keys: {user: u3, ip: i4}}  200 {allowed: true, dimension: user, remaining: 0}
         alice  POST /check {policy: api, keys: {user: u1}}  422 keys-invalid
         alice  POST /check {policy: api, keys: {user: u1, ip: i1, host: h}}  422 keys-invalid
         alice  POST /check {policy: api, keys: {user: u1, ip: ''}}  422 keys-invalid",
    );
}

#[test]
fn tiers_have_limits_of_their_own_or_none() {
    check(
        "alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 100, per_seconds: 3600}, tiers: {basic: {quota: 1000, per_seconds: 3600}, pro: {quota: 10000, per_seconds: 3600}, enterprise: null}}]}  201
         alice  POST /check {policy: api, keys: {user: u1}}                    200 {limit: 100, remaining: 99}
         alice  POST /check {policy: api, keys: {user: u2}, tier: basic}       200 {limit: 1000, remaining: 999}
         alice  POST /check {policy: api, keys: {user: u3}, tier: premium}     200 {limit: 10000, remaining: 9999}
         alice  POST /check {policy: api, keys: {user: u4}, tier: enterprise}  200 {allowed: true, reason: unlimited, limit: null, remaining: null}
         alice  POST /check {policy: api, keys: {user: u1}, cost: 101}         422 cost-invalid
         alice  POST /check {policy: api, keys: {user: u1}, cost: 0}           422 cost-invalid
         alice  POST /check {policy: api, keys: {user: u1}, tier: gold}        422 invalid-body",
    );
}

#[test]
fn units_are_looked_at_given_back_and_forgotten() {
    check(
        "alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 10, per_seconds: 3600}}]}  201
         alice  POST /check {policy: api, keys: {user: u1}, cost: 8}  200 {remaining: 2}
         alice  GET  /peek?policy=api&keys=%7B%22user%22:%22u1%22%7D  200 {allowed: true, remaining: 2}
         alice  GET  /peek?policy=api&keys=%7B%22user%22:%22u1%22%7D  200 {remaining: 2}
         alice  POST /check {policy: api, keys: {user: u1}, cost: -3}  200 {allowed: true, reason: refunded}
         alice  GET  /peek?policy=api&keys=%7B%22user%22:%22u1%22%7D  200 {remaining: 5}
         alice  POST /check {policy: api, keys: {user: u1}, cost: -100}  200 {reason: refunded}
         alice  GET  /peek?policy=api&keys=%7B%22user%22:%22u1%22%7D  200 {remaining: 10}
         alice  POST /check {policy: api, keys: {user: u1}, cost: 10}  200 {allowed: true, remaining: 0}
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: false}
         bob    DELETE /buckets/api/u1  404 policy-not-found
         alice  DELETE /buckets/api/u1  204
         alice  POST /check {policy: api, keys: {user: u1}, cost: 10}  200 {allowed: true}
         alice  DELETE /buckets/api/u1?dimension=ip  422 keys-invalid
         alice  GET  /peek?policy=api&keys=nonsense  400 invalid-query",
    );
}

#[test]
fn a_reservation_is_reconciled_once() {
    check(
        "alice  PUT  /policies/tokens {dimensions: [{name: user, limit: {quota: 100, per_seconds: 3600}}]}  201
         alice  POST /reserve {policy: tokens, keys: {user: u1}, cost: 60}  200 {allowed: true, remaining: 40, reservation: $one}
         alice  POST /reconcile {reservation: $one, cost: 25}  200 {reserved: 60, cost: 25, refunded: 35, charged: 0, repeated: false}
         alice  POST /reconcile {reservation: $one, cost: 25}  200 {refunded: 35, repeated: true}
         alice  POST /reconcile {reservation: $one, cost: 26}  409 reservation-settled
         alice  GET  /peek?policy=tokens&keys=%7B%22user%22:%22u1%22%7D  200 {remaining: 75}
         bob    POST /reconcile {reservation: $one, cost: 25}  422 reservation-invalid
         alice  POST /reserve {policy: tokens, keys: {user: u1}, cost: 70}  200 {allowed: true, remaining: 5, reservation: $two}
         alice  POST /reconcile {reservation: $two, cost: 90}  200 {refunded: 0, charged: 20}
         # more was used than there was: later requests wait for it
         alice  GET  /peek?policy=tokens&keys=%7B%22user%22:%22u1%22%7D  200 {allowed: false, remaining: 0}
         alice  POST /reserve {policy: tokens, keys: {user: u1}, cost: 1}  200 {allowed: false, reservation: null}
         alice  POST /reserve {policy: tokens, keys: {user: u2}, cost: 1, ttl_seconds: 60}  200 {reservation: $three}
         clock  +60s
         alice  POST /reconcile {reservation: $three, cost: 0}  410 reservation-expired
         # 36 s a unit: after half of the time that 20 units take, 10 of them have flowed in again, and others may have them
         alice  POST /reserve {policy: tokens, keys: {user: u3}, cost: 20, ttl_seconds: 3600}  200 {reservation: $four}
         clock  +6m
         alice  POST /check {policy: tokens, keys: {user: u3}, cost: 10}  200 {allowed: true, remaining: 80}
         alice  POST /reconcile {reservation: $four, cost: 0}  200 {refunded: 10, repeated: false}
         clock  +10m
         alice  POST /reconcile {reservation: $four, cost: 0}  200 {refunded: 10, repeated: true}
         # a window is set right as of then
         alice  PUT  /policies/window {algorithm: fixed_window, dimensions: [{name: user, limit: {quota: 100, per_seconds: 60}}]}  201
         alice  POST /reserve {policy: window, keys: {user: u1}, cost: 100}  200 {reservation: $five}
         clock  +60s
         alice  POST /check {policy: window, keys: {user: u1}, cost: 100}  200 {allowed: true, remaining: 0}
         alice  POST /reconcile {reservation: $five, cost: 0}  200 {refunded: 100}
         alice  GET  /peek?policy=window&keys=%7B%22user%22:%22u1%22%7D  200 {allowed: false, remaining: 0}
         alice  PUT  /policies/leased {mode: never_over, dimensions: [{name: user, limit: {quota: 100, per_seconds: 60}}]}  201
         alice  POST /reserve {policy: leased, keys: {user: u1}, cost: 1}  422 mode-invalid",
    );
}

/// A lease is served without a call; the rest is taken exactly, never one too many.
#[test]
fn leases_and_late_counts_save_calls() {
    play(
        &WORLDS,
        &[("STATS_SECONDS", "300")],
        "alice  PUT  /policies/over {mode: never_over, lease: {units: 3, milliseconds: 60000}, dimensions: [{name: user, limit: {quota: 5, per_seconds: 86400}}]}  201
         # one ahead, then two, then three, of which there are two
         alice  POST /check {policy: over, keys: {user: u1}}  200 {allowed: true, remaining: 4}
         alice  POST /check {policy: over, keys: {user: u1}}  200 {allowed: true, remaining: 3}
         calls 1
         alice  POST /check {policy: over, keys: {user: u1}}  200 {allowed: true, remaining: 2}
         calls 0
         alice  POST /check {policy: over, keys: {user: u1}}  200 {allowed: true, remaining: 1}
         alice  POST /check {policy: over, keys: {user: u1}}  200 {allowed: true, remaining: 0}
         calls 0
         alice  POST /check {policy: over, keys: {user: u1}}  200 {allowed: false}
         calls 0
         alice  PUT  /policies/under {mode: never_under, sync: {every: 3, milliseconds: 60000}, dimensions: [{name: user, limit: {quota: 5, per_seconds: 86400}}]}  201
         alice  POST /check {policy: under, keys: {user: u1}}  200 {allowed: true, remaining: 4}
         alice  POST /check {policy: under, keys: {user: u1}}  200 {allowed: true, remaining: 3}
         calls 0
         alice  POST /check {policy: under, keys: {user: u1}}  200 {allowed: true, remaining: 2}
         calls 0
         alice  POST /check {policy: under, keys: {user: u1}, mode: exact}  200 {allowed: true}
         alice  POST /check {policy: under, keys: {user: u1}, mode: hedged}  200 {allowed: true}
         calls 2",
    );
}

#[test]
fn nobody_and_a_caller_without_the_scope_are_refused() {
    check(
        "anon                  POST   /check {policy: api, keys: {user: u1}}  401 unauthenticated
         alice(policies:read)  POST   /check {policy: api, keys: {user: u1}}  403 insufficient-scope
         alice(policies:read)  POST   /check/batch {checks: []}  403 insufficient-scope
         alice(policies:read)  POST   /reserve {}    403 insufficient-scope
         alice(policies:read)  POST   /reconcile {}  403 insufficient-scope
         alice(policies:read)  GET    /peek          403 insufficient-scope
         alice(limits:check)   DELETE /buckets/a/b   403 insufficient-scope
         alice(policies:read)  PUT    /policies/api {}  403 insufficient-scope
         alice(policies:read)  DELETE /policies/api  403 insufficient-scope
         alice(limits:check)   GET    /policies/api  403 insufficient-scope
         alice(limits:check)   GET    /policies/api/stats  403 insufficient-scope
         alice(limits:check)   GET    /policies/api/versions  403 insufficient-scope
         alice(limits:check)   GET    /policies      403 insufficient-scope",
    );
}

/// The guides' limits by endpoint (003): the endpoint is a part of the key, or a policy of its own.
#[test]
fn endpoints_have_limits_of_their_own() {
    check(
        "alice  PUT  /policies/search {dimensions: [{name: user, limit: {quota: 100, per_seconds: 60}}]}  201
         alice  PUT  /policies/upload {dimensions: [{name: user, limit: {quota: 10, per_seconds: 60}}]}  201
         alice  PUT  /policies/download {dimensions: [{name: user, limit: {quota: 1000, per_seconds: 3600}}]}  201
         alice  PUT  /policies/default {dimensions: [{name: user, limit: {quota: 1000, per_seconds: 60}}, {name: endpoint, limit: {quota: 5000, per_seconds: 60}}, {name: global, limit: {quota: 50000, per_seconds: 60}}]}  201
         alice  POST /check {policy: search, keys: {user: u1}, cost: 100}  200 {allowed: true, remaining: 0}
         alice  POST /check {policy: search, keys: {user: u1}}  200 {allowed: false}
         alice  POST /check {policy: upload, keys: {user: u1}, cost: 10}  200 {allowed: true, remaining: 0}
         alice  POST /check {policy: download, keys: {user: u1}, cost: 1000}  200 {allowed: true, remaining: 0}
         alice  POST /check {policy: default, keys: {user: u1, endpoint: /api/list, global: x}, cost: 1000}  200 {allowed: true, dimension: user, remaining: 0}
         alice  POST /check {policy: default, keys: {user: u2, endpoint: /api/list, global: x}}  200 {allowed: true}",
    );
}
