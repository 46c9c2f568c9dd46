//! Policies: how they change, whose they are, and what is told of them.

use super::check;

#[test]
fn a_policy_has_versions_and_is_changed_as_it_stands() {
    check(
        "alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 10, per_seconds: 60}}]}  201 {version: 1, created_by: alice}
         alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 10, per_seconds: 60}}]}  200 {version: 1}
         alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 20, per_seconds: 60}}]} [If-Match: \"1\"]  200 {version: 2}
         alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 30, per_seconds: 60}}]} [If-Match: \"1\"]  412 precondition-failed
         alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 30, per_seconds: 60}}]} [If-Match: one]     400 invalid-if-match
         alice  GET  /policies/api  200 {version: 2, policy: {dimensions: [{limit: {quota: 20}}]}}
         bob    GET  /policies/api  404 policy-not-found
         alice  GET  /policies  200 {items: [{id: api}]}
         alice  DELETE /policies/api [If-Match: \"1\"]  412 precondition-failed
         alice  DELETE /policies/api  204
         alice  DELETE /policies/api  404 policy-not-found
         alice  GET  /policies  200 {items: []}
         alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 40, per_seconds: 60}}]}  201 {version: 4}
         alice  GET  /policies/api/versions  200 {items: [{version: 4}, {version: 3, policy: null}, {version: 2}, {version: 1}]}
         alice  PUT  /policies/API {dimensions: [{name: user, limit: {quota: 1, per_seconds: 60}}]}  422 policy-name-invalid
         alice  PUT  /policies/bad {dimensions: [{name: user, limit: {quota: 0, per_seconds: 60}}]}  422 policy-invalid
         alice  PUT  /policies/bad {mode: hedged, algorithm: sliding_log, dimensions: [{name: user, limit: {quota: 1, per_seconds: 60}}]}  422 policy-invalid
         alice  PUT  /policies/bad {limit: 5, dimensions: []}  422 invalid-body
         alice  GET  /policies/none/versions  404 policy-not-found",
    );
}

/// The guides' tiers and windows as a tenant would write them; a change holds everywhere within 30 s.
#[test]
fn a_changed_policy_holds_within_thirty_seconds() {
    check(
        "alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 1, per_seconds: 3600}}]}  201
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: true}
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: false}
         alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 3600, per_seconds: 3600}}]}  200
         clock  +30s
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: true, version: 2, limit: 3600}",
    );
}

#[test]
fn systems_policies_are_for_admins() {
    check(
        "alice       PUT /policies/url-shortener.creates {dimensions: [{name: user, limit: {quota: 1, per_seconds: 60}}]}  403 admin-needed
         root(admin) PUT /policies/url-shortener.creates {dimensions: [{name: user, limit: {quota: 1, per_seconds: 60}}]}  201 {id: url-shortener.creates}
         root(admin) GET /policies?system=url-shortener  200 {items: [{id: url-shortener.creates}]}
         alice       GET /policies?system=url-shortener  403 admin-needed
         root(admin) GET /policies  200 {items: []}
         root(admin) POST /check {policy: url-shortener.creates, keys: {user: u1}}  404 policy-not-found
         root(admin) DELETE /policies/url-shortener.creates  204",
    );
}

#[test]
fn a_policy_in_shadow_watches_and_a_ban_excludes() {
    check(
        "alice  PUT  /policies/watch {shadow: true, dimensions: [{name: user, limit: {quota: 1, per_seconds: 60}}]}  201
         alice  POST /check {policy: watch, keys: {user: u1}}  200 {allowed: true, reason: admitted}
         alice  POST /check {policy: watch, keys: {user: u1}}  200 {allowed: true, reason: shadow, remaining: 0}
         alice  GET  /policies/watch/stats  200 {allowed: 1, denied: 0, shadow_denied: 1}
         alice  PUT  /policies/login {ban: {denials: 3, within_seconds: 60, seconds: 600}, dimensions: [{name: ip, limit: {quota: 1, per_seconds: 1}}]}  201
         alice  POST /check {policy: login, keys: {ip: i1}}  200 {allowed: true}
         alice  POST /check {policy: login, keys: {ip: i1}}  200 {allowed: false, reason: denied}
         alice  POST /check {policy: login, keys: {ip: i1}}  200 {allowed: false, reason: denied}
         alice  POST /check {policy: login, keys: {ip: i1}}  200 {allowed: false, reason: banned, retry_after_seconds: 600}
         clock  +599s
         alice  POST /check {policy: login, keys: {ip: i1}}  200 {allowed: false, reason: banned, retry_after_seconds: 1}
         clock  +1s
         alice  POST /check {policy: login, keys: {ip: i1}}  200 {allowed: true}",
    );
}

#[test]
fn a_batch_decides_each_check_by_itself_and_statistics_add_them_up() {
    check(
        "alice  PUT  /policies/api {dimensions: [{name: user, limit: {quota: 2, per_seconds: 3600}}]}  201
         alice  POST /check/batch {checks: [{policy: api, keys: {user: u1}, cost: 2}, {policy: none, keys: {}}, {policy: api, keys: {user: u2}}, {policy: api, keys: {user: u3}, cost: 3}]}  200 {results: [{status: 200, decision: {allowed: true}}, {status: 404, problem: {type: /problems/rate-limiter/policy-not-found}}, {status: 200, decision: {allowed: true}}, {status: 422}]}
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: false}
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: false}
         alice  GET  /policies/api/stats  200 {allowed: 2, denied: 2, unchecked: 0, slots: [{allowed: 2, denied: 2}], top_keys: [{dimension: user, key: u1, checks: 3, denied: 2}, {key: u2, checks: 1, denied: 0}]}
         bob    GET  /policies/api/stats  404 policy-not-found
         clock  +10m
         alice  POST /check {policy: api, keys: {user: u1}}  200 {allowed: false}
         alice  GET  /policies/api/stats  200 {allowed: 2, denied: 3}
         clock  +70m
         alice  GET  /policies/api/stats  200 {allowed: 0, denied: 0, slots: [], top_keys: []}
         alice  POST /check/batch {checks: []}  422 batch-invalid",
    );
}

/// The fields of the IETF draft where a policy asks for them, and only there.
#[test]
fn the_ietf_fields_are_sent_where_a_policy_says_so() {
    check(
        "alice  PUT  /policies/api {ietf_fields: true, dimensions: [{name: user, limit: {quota: 2, per_seconds: 60}}, {name: ip, limit: {quota: 9, per_seconds: 60}}]}  201
         alice  POST /check {policy: api, keys: {user: u1, ip: i1}}  200
         header ratelimit-policy \"api.user\";q=2;w=60, \"api.ip\";q=9;w=60
         header ratelimit \"api.user\";r=1;t=30, \"api.ip\";r=8;t=7
         alice  PUT  /policies/other {dimensions: [{name: user, limit: {quota: 2, per_seconds: 60}}]}  201
         alice  POST /check {policy: other, keys: {user: u1}}  200
         header ratelimit ",
    );
}
