//! The url-shortener, as its documentation would tell it.

mod access;
mod links;
mod others;
mod queued;
mod visits;
mod warnings;

use testkit::{Worlds, play};
use url_shortener::{App, system};

pub(crate) use access::access;

pub(crate) const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

#[track_caller]
fn check(script: &str) {
    play(&WORLDS, &[], script);
}

#[test]
fn a_code_belongs_to_its_first_claimant() {
    check(
        "alice  POST /links {code: cat, url: https://a.example, ttl_seconds: 60}  201 {code: cat, url: https://a.example/, state: active}
         # the link, behind a unit of the caller's limit and, once in 20 s, the stored policy
         calls 3
         bob    POST /links {code: cat, url: https://b.example}                   409 code-taken
         anon   GET  /cat                                                         302 https://a.example/
         clock  +60s
         anon   GET  /cat                                                         410 link-expired
         bob    POST /links {code: cat, url: https://b.example}                   409 code-taken
         clock  +31d
         anon   GET  /cat                                                         404 link-not-found
         bob    POST /links {code: cat, url: https://b.example}                   201
         anon   GET  /cat                                                         302 https://b.example/",
    );
}

#[test]
fn a_generated_code_costs_one_write_and_a_lease_in_a_thousand() {
    check(
        "alice  POST /links {url: https://a.example}  201 {code: $one, short_url: $url}
         calls 4
         alice  POST /links {url: https://a.example}  201 {code: $two}
         calls 2
         anon   GET  /$one                            302 https://a.example/
         anon   HEAD /$two                            302 https://a.example/",
    );
}

#[test]
fn a_redirect_costs_one_read_then_none_for_a_minute() {
    check(
        "alice  POST /links {code: cat, url: https://a.example}  201
         anon   HEAD /cat                                        302 https://a.example/
         calls 1
         anon   HEAD /cat                                        302 https://a.example/
         calls 0
         anon   GET  /cat                                        302 https://a.example/
         calls 1
         clock  +60s
         anon   HEAD /cat                                        302 https://a.example/
         calls 1",
    );
}

#[test]
fn a_repeated_request_answers_the_first_link() {
    check(
        "alice  POST /links {url: https://a.example} [Idempotency-Key: k1]    201 {code: $code}
         alice  POST /links {url: https://a.example} [Idempotency-Key: \"k1\"]  201 {code: $code}
         calls 2
         alice  POST /links {url: https://b.example} [Idempotency-Key: k1]    422 idempotency-key-reused
         bob    POST /links {url: https://b.example} [Idempotency-Key: k1]    201 {url: https://b.example/}
         alice  POST /links {url: https://b.example} [Idempotency-Key: a b]   400 invalid-idempotency-key
         alice  GET  /links                                                   200 {items: [{url: https://a.example/}]}
         alice  POST /links {url: https://c.example, expires_at: 2027-01-15T08:01:00Z} [Idempotency-Key: k2]  201 {code: $brief}
         clock  +60s
         alice  POST /links {url: https://c.example, expires_at: 2027-01-15T08:01:00Z} [Idempotency-Key: k2]  201 {code: $brief, state: expired}
         alice  POST /links {url: https://c.example, expires_at: 2027-01-15T08:01:00Z} [Idempotency-Key: k3]  422 expiry-invalid
         clock  +24h
         alice  POST /links {url: https://b.example} [Idempotency-Key: k1]    201 {url: https://b.example/}",
    );
}

#[test]
fn a_disabled_link_is_gone_and_its_code_stays_reserved() {
    check(
        "alice  POST /links {code: cat, url: https://a.example}  201
         bob    DELETE /links/cat                                404 link-not-found
         alice  DELETE /links/cat                                204
         calls 1
         alice  DELETE /links/cat                                204
         anon   GET  /cat                                        410 link-disabled
         alice  GET  /links/cat                                  200 {state: disabled}
         alice  GET  /links                                      200 {items: []}
         alice  POST /links {code: cat, url: https://a.example}  409 code-taken
         alice  DELETE /links/dog                                404 link-not-found
         clock  +31d
         alice  DELETE /links/cat                                404 link-not-found
         alice  GET  /links/cat                                  404 link-not-found",
    );
}

#[test]
fn another_tenants_links_do_not_exist() {
    check(
        "alice  POST /links {code: cat, url: https://a.example, title: mine, tags: [b, a]}  201 {title: mine, tags: [a, b]}
         alice  GET  /links/cat        200 {code: cat}
         alice  GET  /links/cat/stats  200 {total_clicks: 0}
         bob    GET  /links/cat        404 link-not-found
         bob    GET  /links/cat/stats  404 link-not-found
         bob    GET  /links            200 {items: []}",
    );
}

#[test]
fn lists_are_newest_first_and_cursors_are_their_callers_own() {
    check(
        "alice  POST /links {code: one, url: https://a.example}    201
         clock  +1s
         alice  POST /links {code: two, url: https://a.example}    201
         clock  +1s
         alice  POST /links {code: three, url: https://a.example}  201
         alice  GET  /links?limit=2                 200 {items: [{code: three}, {code: two}], next_cursor: $next}
         calls 3
         alice  GET  /links?limit=2&cursor=$next    200 {items: [{code: one}], next_cursor: null}
         bob    GET  /links?limit=2&cursor=$next    400 invalid-cursor
         alice  GET  /links?cursor=zzzz             400 invalid-cursor
         alice  GET  /links?limit=0                 400 invalid-query
         alice  GET  /links?limit=101               400 invalid-query
         alice  GET  /links?colour=red              400 invalid-query",
    );
}

#[test]
fn what_cannot_be_a_link_is_refused_with_a_reason() {
    check(
        "alice  POST /links {url: https://a.example, code: ab}                       422 code-invalid
         alice  POST /links {url: https://a.example, code: a/b}                      422 code-invalid
         alice  POST /links {url: https://a.example, code: Health}                   422 code-reserved
         alice  POST /links {url: ftp://a.example}                                   422 target-refused
         alice  POST /links {url: http://169.254.169.254/latest/meta-data}           422 target-refused
         alice  POST /links {url: https://s.example/cat}                             422 target-refused
         alice  POST /links {url: https://a.example, ttl_seconds: 0}                 422 expiry-invalid
         alice  POST /links {url: https://a.example, ttl_seconds: 1, expires_at: 2027-02-01T00:00:00Z}  422 expiry-invalid
         alice  POST /links {url: https://a.example, expires_at: 2020-01-01T00:00:00Z}  422 expiry-invalid
         alice  POST /links {url: https://a.example, expires_at: tomorrow}           422 invalid-body
         alice  POST /links {url: https://a.example, tags: [a, a]}                   422 tags-invalid
         alice  POST /links {url: https://a.example, colour: red}                    422 invalid-body
         alice  POST /links {}                                                       422 invalid-body
         alice  POST /links [Content-Type: text/plain]                               415 unsupported-media-type
         alice  POST /links [Content-Type: application/json]                         400 malformed-body
         alice  PUT  /links                                                          405 method-not-allowed
         anon   PUT  /no/such/path                                                   405 method-not-allowed
         anon   GET  /x                                                              404 link-not-found",
    );
}

#[test]
fn nobody_and_a_caller_without_the_scope_are_refused() {
    check(
        "anon               POST   /links {url: https://a.example}  401 unauthenticated
         alice(links:read)  POST   /links {url: https://a.example}  403 insufficient-scope
         alice(links:write) GET    /links                           403 insufficient-scope
         alice(links:write) GET    /links/cat                       403 insufficient-scope
         alice(links:write) GET    /links/cat/stats                 403 insufficient-scope
         alice(links:read)  DELETE /links/cat                       403 insufficient-scope
         alice(admin)       GET    /links                           200",
    );
}

#[test]
fn clicks_are_counted_once_however_they_are_delivered() {
    check(
        "alice  POST /links {code: cat, url: https://a.example}  201
         anon   GET  /cat [User-Agent: Mozilla/5.0 (iPhone) Mobile] [CloudFront-Viewer-Country: DE]           302
         anon   GET  /cat [User-Agent: Mozilla/5.0 (iPhone) Mobile] [Referer: https://www.news.example/x]     302
         clock  +61s
         anon   GET  /cat [User-Agent: Mozilla/5.0 (Windows NT 10.0)] [CloudFront-Viewer-Country: DE]         302
         anon   HEAD /cat                                        302
         queue  count_clicks twice 3
         stream roll_up_clicks twice
         stream roll_up_clicks twice
         stream roll_up_clicks twice
         alice  GET  /links/cat/stats  200 {total_clicks: 3, by_country: {DE: 2, unknown: 1}, by_device: {mobile: 2, desktop: 1}, by_referrer: {news.example: 1, direct: 2}}
         calls 1
         clock  +24h
         anon   GET  /cat              302
         queue  count_clicks 1
         stream roll_up_clicks
         stream roll_up_clicks
         stream roll_up_clicks 1
         alice  GET  /links/cat/stats  200 {total_clicks: 4}",
    );
}

#[test]
fn clicks_are_counted_once_however_many_shards_a_minute_has() {
    play(
        &WORLDS,
        &[("CLICK_SHARDS", "3")],
        "alice  POST /links {code: cat, url: https://a.example}  201
         anon   GET  /cat  302
         anon   GET  /cat  302
         anon   GET  /cat  302
         anon   GET  /cat  302
         anon   GET  /cat  302
         anon   GET  /cat  302
         anon   GET  /cat  302
         queue  count_clicks twice 7
         stream roll_up_clicks twice
         stream roll_up_clicks twice
         stream roll_up_clicks twice
         alice  GET  /links/cat/stats  200 {total_clicks: 7, by_device: {unknown: 7}}",
    );
}

#[test]
fn a_batch_writes_once_per_code_and_minute() {
    check(
        "alice  POST /links {code: cat, url: https://a.example}  201
         alice  POST /links {code: dog, url: https://a.example}  201
         anon   GET  /cat  302
         anon   GET  /cat  302
         anon   GET  /dog  302
         anon   GET  /cat  302
         queue  count_clicks 4
         calls 2",
    );
}

#[test]
fn an_expired_link_is_swept_and_told_once() {
    check(
        "alice  POST /links {code: cat, url: https://a.example, ttl_seconds: 60}     201
         alice  POST /links {code: dog, url: https://a.example, ttl_seconds: 90000}  201
         schedule sweep_expired
         stream publish_changes
         clock  +61s
         schedule sweep_expired
         stream publish_changes 1
         calls 1
         schedule sweep_expired
         stream publish_changes 0
         alice  GET  /links/cat  200 {state: expired}
         alice  GET  /links/dog  200 {state: active}
         clock  +31h
         schedule sweep_expired
         stream publish_changes
         calls 1
         alice  GET  /links/dog  200 {state: expired}
         alice  GET  /links      200 {items: [{code: dog}, {code: cat}]}
         clock  +30d
         alice  GET  /links      200 {items: []}",
    );
}

#[test]
fn a_link_without_a_wish_lives_for_the_default_of_its_stage() {
    play(
        &WORLDS,
        &[("DEFAULT_TTL_SECONDS", "60")],
        "alice  POST /links {code: cat, url: https://a.example}                    201
         alice  POST /links {code: dog, url: https://a.example, ttl_seconds: 600}  201
         clock  +60s
         anon   GET  /cat  410 link-expired
         anon   GET  /dog  302",
    );
}

#[test]
fn health_says_ok_and_the_api_describes_itself() {
    check(
        "anon  GET /health        200 {status: ok}
         anon  GET /openapi.json  200 {openapi: 3.1.0}
         anon  GET /docs          200",
    );
}
