//! Links that are changed, limited, guarded, made in batches, and found again.

use super::{WORLDS, check};
use testkit::play;

#[test]
fn a_link_is_changed_by_its_owner() {
    check(
        "alice  POST  /links {code: cat, url: https://a.example, title: mine, tags: [x]}  201
         alice  PATCH /links/cat {url: https://b.example, title: null, tags: [z, y]}      200 {url: https://b.example/, title: null, tags: [y, z]}
         calls 1
         anon   GET   /cat                                                               302 https://b.example/
         alice  PATCH /links/cat {}                                                       200 {url: https://b.example/}
         alice  PATCH /links/cat {url: ftp://b.example}                                   422 target-refused
         alice  PATCH /links/cat {code: dog}                                              422 invalid-body
         bob    PATCH /links/cat {title: his}                                             404 link-not-found
         alice  PATCH /links/dog {title: none}                                            404 link-not-found
         alice  PATCH /links/cat {ttl_seconds: 60}                                        200
         clock  +61s
         anon   GET   /cat                                                               410 link-expired
         schedule sweep_expired
         alice  PATCH /links/cat {ttl_seconds: 60}                                        200 {state: active}
         clock  +59s
         anon   GET   /cat                                                               302
         alice  PATCH /links/cat {expires_at: null}                                       200 {expires_at: null}
         clock  +90d
         anon   GET   /cat                                                               302
         alice  DELETE /links/cat                                                         204
         alice  PATCH /links/cat {title: late}                                            410 link-disabled",
    );
}

#[test]
fn a_change_is_seen_elsewhere_within_a_minute() {
    check(
        "alice  POST  /links {code: cat, url: https://a.example}  201
         anon   HEAD  /cat                                        302 https://a.example/
         alice  PATCH /links/cat {url: https://b.example}         200
         clock  +59s
         anon   HEAD  /cat                                        302 https://a.example/
         clock  +1s
         anon   HEAD  /cat                                        302 https://b.example/",
    );
}

#[test]
fn what_was_not_there_is_looked_for_again_after_five_seconds() {
    check(
        "anon   HEAD /cat                                        404
         calls 1
         anon   HEAD /cat                                        404
         calls 0
         alice  POST /links {code: cat, url: https://a.example}  201
         clock  +4s
         anon   HEAD /cat                                        404
         clock  +1s
         anon   HEAD /cat                                        302 https://a.example/",
    );
}

#[test]
fn a_link_opens_as_often_as_it_may_and_then_leads_to_its_fallback() {
    check(
        "alice  POST /links {code: cat, url: https://a.example, max_clicks: 2}   201 {max_clicks: 2, used_clicks: 0}
         anon   HEAD /cat  302
         header location
         anon   GET  /cat  302 https://a.example/
         anon   GET  /cat  302 https://a.example/
         anon   GET  /cat  410 link-used-up
         calls 0
         alice  GET  /links/cat  200 {state: used_up, used_clicks: 2}
         alice  PATCH /links/cat {fallback_url: https://over.example}            200
         clock  +60s
         anon   GET  /cat  302 https://over.example/
         alice  PATCH /links/cat {max_clicks: 3}                                 200 {state: active}
         clock  +60s
         anon   GET  /cat  302 https://a.example/
         anon   GET  /cat  302 https://over.example/
         alice  PATCH /links/cat {max_clicks: null}                              200 {state: active, used_clicks: null}
         clock  +60s
         anon   GET  /cat  302 https://a.example/
         queue  count_clicks 4
         alice  POST /links {code: dog, url: https://a.example, max_clicks: 0}   422 max-clicks-invalid
         alice  POST /links {code: emu, url: https://a.example, ttl_seconds: 60, fallback_url: https://over.example}  201
         clock  +60s
         anon   GET  /emu  302 https://over.example/",
    );
}

#[test]
fn a_password_opens_a_link_and_guesses_are_few() {
    check(
        "alice  POST /links {code: cat, url: https://a.example, password: open sesame}  201 {password_protected: true}
         anon   GET  /cat                              403 password-needed
         anon   GET  /cat [Accept: text/html]          403
         anon   POST /cat {password: open sesam}       403 password-wrong
         header x-ratelimit-remaining 9
         anon   POST /cat {password: open sesame}      303 https://a.example/
         # a try of both limits, the click, and both tries given back: the password was right
         calls 4
         anon   GET  /cat+                             200
         alice  GET  /requests/nobodys                 404 request-not-found
         anon   POST /cat {password: one}             403 password-wrong
         anon   POST /cat {password: two}             403 password-wrong
         anon   POST /cat {password: three}             403 password-wrong
         anon   POST /cat {password: four}             403 password-wrong
         anon   POST /cat {password: five}             403 password-wrong
         anon   POST /cat {password: sixsix}             403 password-wrong
         anon   POST /cat {password: seven}             403 password-wrong
         anon   POST /cat {password: eight}             403 password-wrong
         anon   POST /cat {password: nine}             403 password-wrong
         header x-ratelimit-remaining 0
         anon   POST /cat {password: open sesame}      429 rate-limited
         calls 0
         clock  +15m
         anon   POST /cat {password: open sesame}      303 https://a.example/
         anon   POST /cat {passwort: open sesame}      422 invalid-body
         anon   POST /dog {password: open sesame}      404 link-not-found
         alice  PATCH /links/cat {password: null}      200 {password_protected: false}
         clock  +60s
         anon   GET  /cat                              302 https://a.example/
         alice  POST /links {code: emu, url: https://a.example, password: ab}  422 password-invalid
         alice  POST /links {code: once, url: https://a.example, password: open sesame, max_clicks: 1}  201
         anon   POST /once {password: wrong}           403 password-wrong
         anon   POST /once {password: open sesame}     303 https://a.example/
         anon   POST /once {password: open sesame}     410 link-used-up",
    );
}

#[test]
fn a_batch_answers_for_each_of_its_links() {
    check(
        "alice  POST /links/batch {links: [{url: https://a.example, code: cat}, {url: ftp://a.example}, {url: https://b.example, code: cat}, {url: https://c.example}]} [Idempotency-Key: k1]  200 {results: [{status: 201, link: {code: cat}}, {status: 422, problem: {status: 422, type: /problems/url-shortener/target-refused}}, {status: 409, problem: {type: /problems/url-shortener/code-taken}}, {status: 201, link: {code: $made}}]}
         alice  POST /links/batch {links: [{url: https://a.example, code: cat}, {url: ftp://a.example}, {url: https://b.example, code: cat}, {url: https://c.example}]} [Idempotency-Key: k1]  200 {results: [{status: 201}, {status: 422}, {status: 409}, {status: 201, link: {code: $made}}]}
         alice  GET  /links                            200 {items: [{}, {}]}
         anon   GET  /$made                            302 https://c.example/
         alice  POST /links/batch {links: []}          422 batch-invalid
         alice  POST /links/batch {links: [{url: 1}]}  422 invalid-body
         bob    POST /links/batch {links: [{url: https://a.example, colour: red}]}  422 invalid-body",
    );
}

/// The tiers of the guides: free 100 an hour, basic 1,000, premium 10,000, enterprise without a limit. All names of a
/// create take from one bucket, and a batch takes for each of its links.
#[test]
fn creates_are_limited_by_the_callers_tier() {
    let batch = |links: usize| format!("{{links: [{}]}}", vec!["{url: https://a.example}"; links].join(", "));
    check(&format!(
        "alice/free  POST /links {{code: cat, url: https://a.example}}  201
         header x-ratelimit-limit 100
         header x-ratelimit-remaining 99
         header x-ratelimit-reset 1800000036
         alice/free  POST /links/batch {}  200
         alice/free  POST /urls {{long_url: https://a.example}}  201
         header x-ratelimit-remaining 0
         alice/free  POST /links {{url: https://a.example}}  429 rate-limited
         header retry-after 36
         calls 0
         alice/free  POST /api/v2/links {{target: https://a.example}}  429
         alice/free  GET  /links/cat  200
         anon        GET  /cat        302 https://a.example/
         bob/free    POST /links {{url: https://a.example}}  201
         alice/enterprise  POST /links {{url: https://a.example}}  201
         calls 1
         carol/basic POST /links {{url: https://a.example}}  201
         header x-ratelimit-limit 1000
         carol       POST /links {{url: https://a.example}}  201
         header x-ratelimit-limit 10000
         dave/free   POST /links/batch {}  200
         dave/free   POST /links/batch {}  429 rate-limited
         clock       +36s
         alice/free  POST /links {{url: ftp://a.example}}  422
         alice/free  POST /links {{url: https://a.example}}  429 rate-limited",
        batch(98),
        batch(60),
        batch(60),
    ));
}

/// Guide 003: what looks through many things 100 times a minute, what gives much out 1,000 times an hour.
#[test]
fn lists_and_pictures_are_limited_as_searches_and_downloads() {
    check(
        "alice  POST /links {code: cat, url: https://a.example}  201
         alice  GET  /links  200
         header x-ratelimit-limit 100
         header x-ratelimit-remaining 99
         alice  GET  /api/v2/links  200
         header x-ratelimit-remaining 98
         alice  GET  /links/cat/qr  200
         header x-ratelimit-limit 1000
         header x-ratelimit-remaining 999
         alice  GET  /links/dog/qr  404
         header x-ratelimit-remaining 998
         alice/enterprise  GET  /links  200
         header x-ratelimit-limit ",
    );
}

#[test]
fn who_wants_no_second_link_gets_the_first() {
    check(
        "alice  POST /links {url: https://a.example, dedupe: true}             201 {code: $one}
         calls 4
         alice  POST /links {url: HTTPS://A.example:443/, dedupe: true}        200 {code: $one}
         bob    POST /links {url: https://a.example, dedupe: true}             201
         alice  POST /links {url: https://a.example}                           201
         alice  POST /links {url: https://a.example, code: cat, dedupe: true}  422 dedupe-with-code
         alice  DELETE /links/$one                                             204
         alice  POST /links {url: https://a.example, dedupe: true, ttl_seconds: 60}  201 {code: $two}
         alice  POST /links {url: https://a.example, dedupe: true}             200 {code: $two}
         clock  +60s
         alice  POST /links {url: https://a.example, dedupe: true}             201 {code: $three}
         alice  PATCH /links/$three {url: https://b.example}                   200
         alice  POST /links {url: https://a.example, dedupe: true}             201",
    );
}

#[test]
fn links_are_listed_by_tag_and_as_a_table() {
    check(
        "alice  POST /links {code: one, url: https://a.example, tags: [red]}        201
         clock  +1s
         alice  POST /links {code: two, url: https://a.example, tags: [blue]}       201
         clock  +1s
         alice  POST /links {code: three, url: https://a.example, tags: [blue, red]}  201
         alice  GET  /links?tag=red               200 {items: [{code: three}, {code: one}]}
         calls 3
         alice  GET  /links?tag=green             200 {items: []}
         alice  GET  /links?tag=red&limit=2       200 {items: [{code: three}], next_cursor: $next}
         alice  GET  /links?tag=red&limit=2&cursor=$next  200 {items: [{code: one}]}
         alice  GET  /links?tag=blue&cursor=$next 400 invalid-cursor
         alice  GET  /links?format=csv            200
         alice  GET  /links?format=xml            400 invalid-query
         alice  GET  /links/one/qr                200
         alice  GET  /links/one/qr?format=png&size=300&margin=2&level=H  200
         alice  GET  /links/one/qr?size=63        400 picture-invalid
         bob    GET  /links/one/qr                404 link-not-found",
    );
}

#[test]
fn codes_come_from_the_generator_of_the_stage() {
    let script = "alice  POST /links {url: https://a.example}  201 {code: $one}
         alice  POST /links {url: https://a.example}  201 {code: $two}
         anon   GET  /$one  302 https://a.example/
         anon   GET  /$two  302 https://a.example/";
    for strategy in ["permuted", "counter", "random", "hash"] {
        play(&WORLDS, &[("CODE_GENERATOR", strategy), ("CODE_ALPHABET", "unambiguous"), ("CODE_LENGTH", "6")], script);
    }
    // Guides 001 and 003: the code is the number in base 62, and so everybody knows the next one.
    play(
        &WORLDS,
        &[("CODE_GENERATOR", "counter")],
        "alice  POST /links {url: https://a.example}  201 {code: '0000000'}
         alice  POST /links {url: https://a.example}  201 {code: '0000001'}",
    );
    // Guide 004: the same URL, the same hash, and another part of it when that is taken; then chance.
    play(
        &WORLDS,
        &[("CODE_GENERATOR", "hash")],
        "alice  POST /links {url: https://a.example}  201 {code: $one}
         calls 3
         clock  +1s
         alice  POST /links {url: https://a.example}  201 {code: $two}
         calls 3
         clock  +1s
         alice  POST /links {url: https://a.example}  201 {code: $three}
         calls 4",
    );
}
