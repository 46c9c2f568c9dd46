//! Visits: where they lead whom, what is forwarded, what is kept, and what is counted.

use super::{WORLDS, check};
use testkit::play;

#[test]
fn the_first_rule_that_fits_decides() {
    check(
        "alice  POST /links {code: cat, url: https://a.example, rules: [{when: {device: [mobile], country: [DE]}, url: https://m.example/de}, {when: {device: [mobile]}, url: https://m.example}, {when: {language: [fr]}, url: https://fr.example}, {when: {query: {ref: mail}}, url: https://mail.example}, {when: {after: '2027-01-15T09:00:00Z', before: '2027-01-15T10:00:00Z'}, url: https://now.example}]}  201
         anon   GET  /cat                                                                       302 https://a.example/
         anon   GET  /cat [User-Agent: iPhone Mobile] [CloudFront-Viewer-Country: DE]           302 https://m.example/de
         anon   GET  /cat [User-Agent: iPhone Mobile] [CloudFront-Viewer-Country: AT]           302 https://m.example/
         anon   GET  /cat [Accept-Language: 'de;q=0.9, fr-CH']                                  302 https://fr.example/
         anon   GET  /cat?ref=mail                                                              302 https://mail.example/
         anon   GET  /cat?ref=web                                                               302 https://a.example/
         clock  +1h
         anon   GET  /cat                                                                       302 https://now.example/
         clock  +1h
         anon   GET  /cat                                                                       302 https://a.example/
         queue  count_clicks 8
         stream roll_up_clicks
         stream roll_up_clicks
         stream roll_up_clicks
         alice  GET  /links/cat/stats  200 {total_clicks: 8, by_rule: {0: 1, 1: 1, 2: 1, 3: 1, 4: 1}}
         alice  PATCH /links/cat {rules: [{when: {percentage: 0}, url: https://b.example}]}     422 rules-invalid
         alice  PATCH /links/cat {rules: [{when: {percentage: 50}, url: ftp://b.example}]}      422 target-refused
         alice  PATCH /links/cat {rules: [{when: {percentage: 100}, url: https://b.example}]}   200
         clock  +60s
         anon   GET  /cat                                                                       302 https://b.example/",
    );
}

#[test]
fn queries_paths_and_campaigns_go_along() {
    check(
        "alice  POST /links {code: cat, url: 'https://a.example/x?q=1', forward_query: true, forward_path: true, utm: {source: news, medium: email}}  201
         anon   GET  /cat             302 https://a.example/x?q=1&utm_source=news&utm_medium=email
         anon   GET  /cat?q=2&r=a%26b 302 https://a.example/x?utm_source=news&utm_medium=email&q=2&r=a%26b
         anon   GET  /cat/y/z         302 https://a.example/x/y/z?q=1&utm_source=news&utm_medium=email
         anon   GET  /cat/../../z     302 https://a.example/x/z?q=1&utm_source=news&utm_medium=email
         alice  POST /links {code: dog, url: https://a.example/x}  201
         anon   GET  /dog?q=2         302 https://a.example/x
         anon   GET  /dog/y           404 link-not-found
         alice  POST /links {code: fox, url: https://a.example, forward_path: true, max_clicks: 1}  201
         anon   GET  /fox/y           302 https://a.example/y
         anon   GET  /fox/y           410 link-used-up
         alice  POST /links {code: emu, url: https://a.example, utm: {source: ''}}  422 utm-invalid",
    );
}

#[test]
fn a_link_redirects_with_the_status_it_was_given() {
    check(
        "alice  POST /links {code: cat, url: https://a.example, redirect_status: 301}  201 {redirect_status: 301}
         alice  POST /links {code: dog, url: https://a.example, redirect_status: 307}  201
         alice  POST /links {code: emu, url: https://a.example, redirect_status: 308, ttl_seconds: 100}  201
         alice  POST /links {code: fox, url: https://a.example, redirect_status: 303}  422 invalid-body
         anon   GET  /cat  301 https://a.example/
         header cache-control private, max-age=90
         anon   GET  /dog  307 https://a.example/
         header cache-control private, max-age=0
         clock  +30s
         anon   GET  /emu  308 https://a.example/
         header cache-control private, max-age=70",
    );
}

#[test]
fn an_edge_cache_may_keep_what_is_the_same_for_everybody() {
    play(
        &WORLDS,
        &[("EDGE_CACHE_SECONDS", "300")],
        "alice  POST /links {code: cat, url: https://a.example}  201
         alice  POST /links {code: dog, url: https://a.example, max_clicks: 5}  201
         alice  POST /links {code: emu, url: https://a.example, ttl_seconds: 100}  201
         anon   GET  /cat  302
         header cache-control public, max-age=0, s-maxage=300
         anon   GET  /dog  302
         header cache-control private, max-age=0
         anon   GET  /emu  302
         header cache-control public, max-age=0, s-maxage=100",
    );
}

#[test]
fn bots_are_counted_apart_and_browsers_and_hours_are_told() {
    check(
        "alice  POST /links {code: cat, url: https://a.example}  201
         anon   GET  /cat [User-Agent: curl/8.5.0]               302
         anon   GET  /cat [User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1)]  302
         anon   GET  /cat [User-Agent: Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36 Edg/120.0]  302
         clock  +1h
         anon   GET  /cat [User-Agent: Mozilla/5.0 (Macintosh) Firefox/120.0]  302
         queue  count_clicks twice 4
         stream roll_up_clicks twice
         stream roll_up_clicks twice
         stream roll_up_clicks twice
         alice  GET  /links/cat/stats  200 {total_clicks: 2, bot_clicks: 2, by_device: {bot: 2, desktop: 2}, by_browser: {edge: 1, firefox: 1}, by_os: {windows: 1, macos: 1}, by_country: {unknown: 2}}
         calls 1
         alice  GET  /links/cat/stats?format=csv  200
         alice  GET  /urls/cat/stats              200 {clicks: 2, created: '2027-01-15T08:00:00Z'}
         alice  GET  /api/cat/stats               200 {total_clicks: 2}
         bob    GET  /urls/cat/stats              404 link-not-found",
    );
}

#[test]
fn visits_to_no_link_are_counted_for_operators() {
    check(
        "anon   GET  /nobody          404 link-not-found
         anon   GET  /nobody/at/all   404 link-not-found
         anon   GET  /favicon.ico     404 link-not-found
         anon   HEAD /nobody          404
         queue  count_clicks 2
         stream roll_up_clicks
         stream roll_up_clicks
         stream roll_up_clicks
         alice  GET  /orphans/stats   200 {total_clicks: 2}
         alice(links:read) GET /orphans/stats  403 insufficient-scope
         alice  POST /links {code: orphans, url: https://a.example}  422 code-reserved",
    );
}

#[test]
fn a_tenants_domain_has_codes_of_its_own() {
    play(
        &WORLDS,
        &[("PUBLIC_URL", "https://s.example")],
        "alice  PUT  /domains/go.example {root_url: https://a.example, not_found_url: https://a.example/404, expired_url: https://a.example/gone}  200 {domain: go.example, root_url: https://a.example/}
         bob    PUT  /domains/go.example {}                                         409 domain-taken
         alice  PUT  /domains/s.example {}                                          409 domain-taken
         alice  PUT  /domains/localhost {}                                          422 domain-invalid
         alice  PUT  /domains/up.example {root_url: https://up.example/x}           422 target-refused
         alice  POST /links {code: cat, url: https://a.example/cat, domain: go.example}  201 {short_url: https://go.example/cat, domain: go.example, code: cat}
         bob    POST /links {code: dog, url: https://b.example, domain: go.example} 404 domain-not-found
         bob    POST /links {code: cat, url: https://b.example}                     201 {short_url: https://s.example/cat}
         anon   GET  /cat                                                           302 https://b.example/
         anon   GET  /cat [Host: go.example]                                        302 https://a.example/cat
         anon   GET  / [Host: go.example]                                           302 https://a.example/
         anon   GET  /                                                              404 link-not-found
         anon   GET  /nobody [Host: go.example]                                     302 https://a.example/404
         anon   GET  /cat [Host: no.example]                                        404 link-not-found
         alice  POST /links {code: emu, url: https://a.example, domain: go.example, ttl_seconds: 60}  201
         clock  +60s
         anon   GET  /emu [Host: go.example]                                        302 https://a.example/gone
         clock  +60s
         anon   GET  / [Host: go.example]                                           302 https://a.example/
         calls 1
         alice  GET  /links/cat?domain=go.example                                   200 {url: https://a.example/cat}
         alice  GET  /links/cat                                                     404 link-not-found
         alice  GET  /domains                                                       200 {items: [{domain: go.example}]}
         alice  GET  /domains/go.example                                            200 {expired_url: https://a.example/gone}
         bob    GET  /domains/go.example                                            404 domain-not-found
         queue  count_clicks
         stream roll_up_clicks
         stream roll_up_clicks
         stream roll_up_clicks
         alice  GET  /domains/go.example/stats                                      200 {total_clicks: 1}
         bob    GET  /domains/go.example/stats                                      404 domain-not-found
         alice  GET  /links/cat/stats?domain=go.example                             200 {total_clicks: 1}
         alice  DELETE /links/cat?domain=go.example                                 204
         bob    DELETE /domains/go.example                                          404 domain-not-found
         alice  DELETE /domains/go.example                                          204
         alice  GET  /domains                                                       200 {items: []}
         bob    PUT  /domains/go.example {}                                         200",
    );
}

#[test]
fn clouds_headers_are_believed_from_the_cloud_alone() {
    play(
        &WORLDS,
        &[("ORIGIN_SECRET", "shared-with-cloudfront")],
        "alice  POST /links {code: cat, url: https://a.example, rules: [{when: {country: [DE]}, url: https://de.example}]}  201
         anon   GET  /cat [CloudFront-Viewer-Country: DE]                                             302 https://a.example/
         anon   GET  /cat [CloudFront-Viewer-Country: DE] [X-Origin-Secret: shared-with-cloudfront]   302 https://de.example/",
    );
}
