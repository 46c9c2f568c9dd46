//! What the operations of rate-limiter cost.

use rate_limiter::{App, system};
use testkit::{Worlds, budgets};

use super::of;

const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// An operation is a line and the `budget` line behind it, which may name it.
const OPERATIONS: &str = "
    alice PUT  /policies/api {dimensions: [{name: user, limit: {quota: 3, per_seconds: 3600}}]}     201
    budget new; a sandbox's first in 20 s, so its own limit's policy too
    alice PUT  /policies/api {dimensions: [{name: user, limit: {quota: 2, per_seconds: 3600}}]}     200
    budget another version
    alice PUT  /policies/api {dimensions: [{name: user, limit: {quota: 2, per_seconds: 3600}}]}     200
    budget the same again
    alice PUT  /policies/two {dimensions: [{name: user, limit: {quota: 9, per_seconds: 3600}}, {name: ip, limit: {quota: 9, per_seconds: 3600}}]}  201
    alice PUT  /policies/hedged {mode: hedged, dimensions: [{name: user, limit: {quota: 9, per_seconds: 3600}}]}  201
    alice PUT  /policies/window {algorithm: fixed_window, dimensions: [{name: user, limit: {quota: 9, per_seconds: 3600}}]}  201
    alice PUT  /policies/sliding {algorithm: sliding_counter, dimensions: [{name: user, limit: {quota: 9, per_seconds: 3600}}]}  201
    alice PUT  /policies/log {algorithm: sliding_log, dimensions: [{name: user, limit: {quota: 9, per_seconds: 3600}}]}  201
    alice PUT  /policies/leased {mode: never_over, lease: {units: 4, milliseconds: 60000}, dimensions: [{name: user, limit: {quota: 9, per_seconds: 3600}}]}  201
    alice POST /check {policy: api, keys: {user: u1}}  200 {allowed: true}
    budget a sandbox's first of a policy: that and the statistics too
    alice POST /check {policy: api, keys: {user: u1}}  200 {allowed: true}
    budget admitted
    alice POST /check {policy: api, keys: {user: u1}}  200 {allowed: false}
    budget refused, and known to be
    alice POST /check {policy: two, keys: {user: u1, ip: i1}}  200 {allowed: true}
    alice POST /check {policy: two, keys: {user: u1, ip: i1}}  200 {allowed: true}
    budget admitted, two dimensions
    alice POST /check {policy: hedged, keys: {user: u1}}  200 {allowed: true}
    alice POST /check {policy: hedged, keys: {user: u1}}  200 {allowed: true}
    budget admitted, hedged
    alice POST /check {policy: window, keys: {user: u1}}  200 {allowed: true}
    alice POST /check {policy: window, keys: {user: u1}}  200 {allowed: true}
    budget admitted, fixed window
    alice POST /check {policy: sliding, keys: {user: u1}}  200 {allowed: true}
    alice POST /check {policy: sliding, keys: {user: u2}}  200 {allowed: true}
    budget admitted, sliding counter, a key's first in a window
    alice POST /check {policy: sliding, keys: {user: u1}}  200 {allowed: true}
    budget admitted, sliding counter
    alice POST /check {policy: log, keys: {user: u1}}  200 {allowed: true}
    alice POST /check {policy: log, keys: {user: u1}}  200 {allowed: true}
    budget admitted, sliding log
    alice POST /check {policy: leased, keys: {user: u1}}  200 {allowed: true}
    alice POST /check {policy: leased, keys: {user: u1}}  200 {allowed: true}
    alice POST /check {policy: leased, keys: {user: u1}}  200 {allowed: true}
    budget admitted, from a lease
    alice POST /check {policy: two, keys: {user: u1, ip: i1}, cost: -1}  200 {reason: refunded}
    budget given back, two dimensions
    alice POST /check/batch {checks: [{policy: window, keys: {user: u3}}, {policy: window, keys: {user: u4}}, {policy: window, keys: {user: u5}}]}  200
    budget three keys
    alice POST /reserve {policy: window, keys: {user: u6}, cost: 5}  200 {reservation: $one}
    budget
    alice POST /reconcile {reservation: $one, cost: 3}  200 {refunded: 2}
    budget
    alice GET  /peek?policy=two&keys=%7B%22user%22:%22u1%22,%22ip%22:%22i1%22%7D  200
    budget two dimensions
    alice DELETE /buckets/api/u1  204
    budget
    alice GET  /policies  200
    budget seven policies
    alice GET  /policies/api  200
    budget
    alice GET  /policies/api/versions  200
    budget two versions
    alice GET  /policies/api/stats  200
    budget one slot of one sandbox
    alice DELETE /policies/api  204
    budget
    anon GET /health        200
    budget
    anon GET /openapi.json  200
    budget
    anon GET /docs          200
    budget
    anon GET /nowhere       404
    budget
";

#[test]
fn rate_limiter_keeps_its_budgets() {
    let budgets = budgets(&WORLDS, &[OPERATIONS]);
    let round_trips = |operation: &str| of(&budgets, "check_limit", operation).round_trips;
    assert_eq!(round_trips("refused, and known to be"), 0);
    assert_eq!(round_trips("admitted, from a lease"), 0);
    for way in ["", ", two dimensions", ", hedged", ", fixed window", ", sliding counter", ", sliding log"] {
        assert_eq!(round_trips(&format!("admitted{way}")), 1, "{way}");
    }
}
