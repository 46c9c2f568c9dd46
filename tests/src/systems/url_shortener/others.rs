//! The same links under the names of the guides, of Bitly and of Kutt.

use super::check;

#[test]
fn the_guides_own_names() {
    check(
        "alice  POST /urls {long_url: https://a.example, custom_alias: cat, expiration: '2027-01-31'}  201 {short_url: https://s.example/cat}
         alice  GET  /links/cat                                          200 {expires_at: '2027-02-01T00:00:00Z'}
         alice  POST /urls {long_url: https://a.example, expiration: soon}                             422 invalid-body
         alice  POST /urls {long_url: https://a.example, custom_alias: cat}                            409 code-taken
         alice  POST /api/shorten {original_url: https://b.example, custom_code: dog, expires_days: 2}  201 {short_code: dog, short_url: https://s.example/dog, original_url: https://b.example/, expires_at: '2027-01-17T08:00:00Z'}
         alice  POST /api/shorten {long_url: https://b.example, expires_at: '2027-01-17T08:00:00Z'}    201 {short_code: $made}
         alice  POST /api/shorten {original_url: https://b.example} [Idempotency-Key: k]               201 {short_code: $once}
         alice  POST /api/shorten {original_url: https://b.example} [Idempotency-Key: k]               201 {short_code: $once}
         alice  POST /api/shorten {original_url: ftp://b.example} [Idempotency-Key: no]                422 target-refused
         alice  POST /urls {long_url: ftp://a.example} [Idempotency-Key: no]                           422 target-refused
         alice  GET  /api/dog                                            200 {original_url: https://b.example/, is_active: true}
         bob    GET  /api/dog                                            404 link-not-found
         bob    DELETE /api/dog                                          404 link-not-found
         alice  DELETE /api/dog                                          204
         alice  GET  /api/dog                                            200 {is_active: false}
         anon   GET  /dog                                                410 link-disabled",
    );
}

#[test]
fn bitlys_names() {
    check(
        "alice  POST /v4/shorten {group_guid: g, domain: bit.ly, long_url: https://a.example}     200 {id: $id, link: $link, long_url: https://a.example/}
         alice  POST /v4/shorten {group_guid: g, domain: s.example, long_url: https://a.example}  200 {id: $id, link: $link}
         bob    POST /v4/expand {bitlink_id: $id}                        200 {long_url: https://a.example/, link: $link}
         alice  POST /v4/shorten {long_url: not a url}                   400 target-refused
         alice  POST /v4/bitlinks {long_url: https://b.example, title: mine, tags: [a]}           200 {id: $other, title: mine, tags: [a]}
         alice  GET  /v4/bitlinks/$other                                 200 {title: mine}
         bob    GET  /v4/bitlinks/$other                                 404 link-not-found
         alice  PATCH /v4/bitlinks/$other {title: ours, archived: false, deeplinks: []}           200 {title: ours, tags: [a]}
         bob    PATCH /v4/bitlinks/$other {title: his}                   404 link-not-found
         alice  GET  /v4/bitlinks/s.example/nobody                       404 link-not-found
         alice  PATCH /v4/bitlinks/bit.ly/nobody {title: none}           404 link-not-found
         alice  POST /links {code: cat, url: https://a.example}          201
         anon   GET  /cat [CloudFront-Viewer-Country: DE]                302
         clock  +1h
         anon   GET  /cat [Referer: https://news.example/]               302
         queue  count_clicks 2
         stream roll_up_clicks
         stream roll_up_clicks
         stream roll_up_clicks
         alice  GET  /v4/bitlinks/s.example/cat/clicks?unit=day&units=-1       200 {units: -1, unit: day, link_clicks: [{date: 2027-01-15T00:00:00+0000, clicks: 2}]}
         alice  GET  /v4/bitlinks/s.example/cat/clicks?unit=hour&units=2       200 {link_clicks: [{clicks: 1}, {clicks: 1}]}
         alice  GET  /v4/bitlinks/s.example/cat/clicks/summary?unit=hour&units=1  200 {total_clicks: 1}
         alice  GET  /v4/bitlinks/s.example/cat/countries                200 {facet: countries, metrics: [{value: DE, clicks: 1}, {value: unknown, clicks: 1}]}
         alice  GET  /v4/bitlinks/s.example/cat/referrers                200 {facet: referrers, metrics: [{value: direct, clicks: 1}, {value: news.example, clicks: 1}]}
         bob    GET  /v4/bitlinks/s.example/cat/clicks/summary           404 link-not-found
         alice  GET  /v4/bitlinks/s.example/cat/clicks?unit=eon          400 invalid-query",
    );
}

#[test]
fn kutts_names() {
    check(
        "alice  POST /api/v2/links {target: a.example, customurl: cat, description: mine, expire_in: 2 days, reuse: false}  201 {id: cat, address: cat, target: http://a.example/, description: mine, password: false, expire_in: '2027-01-17T08:00:00Z', visit_count: 0}
         alice  POST /api/v2/links {target: https://b.example, customurl: cat}  409 code-taken
         alice  POST /api/v2/links {target: https://b.example}                  201 {id: $one}
         alice  POST /api/v2/links {target: https://b.example, reuse: true}     200 {id: $one}
         alice  POST /api/v2/links {target: https://b.example, expire_in: soon} 422 expiry-invalid
         anon   GET  /cat                                  302
         queue  count_clicks 1
         stream roll_up_clicks
         stream roll_up_clicks
         stream roll_up_clicks
         alice  GET  /api/v2/links?limit=10&skip=0         200 {total: 2, limit: 10, skip: 0}
         alice  GET  /api/v2/links?search=mine             200 {total: 1, data: [{id: cat, visit_count: 1}]}
         alice  GET  /api/v2/links/cat/stats               200 {visit_count: 1, lastDay: {total: 1}, lastWeek: {total: 1}, lastMonth: {total: 1}, lastYear: {total: 1}}
         bob    GET  /api/v2/links/cat/stats               404 link-not-found
         alice  PATCH /api/v2/links/cat {target: https://c.example, address: cat}  200 {target: https://c.example/}
         alice  PATCH /api/v2/links/cat {address: dog}     422 code-stays
         bob    PATCH /api/v2/links/cat {target: https://c.example}  404 link-not-found
         bob    DELETE /api/v2/links/cat                   404 link-not-found
         alice  DELETE /api/v2/links/cat                   200 {message: Link has been deleted successfully.}
         alice  DELETE /api/v2/links/cat                   404 link-not-found
         alice  GET  /api/v2/links/cat/stats               404 link-not-found",
    );
}

/// Each of the names leases ids of its own where its sandbox has none.
#[test]
fn any_name_may_be_a_sandboxs_first() {
    for (path, body) in [
        ("/urls", "{long_url: https://a.example}  201"),
        ("/api/shorten", "{original_url: https://a.example}  201"),
        ("/v4/shorten", "{long_url: https://a.example}  200"),
        ("/v4/bitlinks", "{long_url: https://a.example}  200"),
        ("/api/v2/links", "{target: https://a.example}  201"),
        ("/links/batch", "{links: [{url: https://a.example}]}  200"),
    ] {
        check(&format!("alice  POST {path} {body}\n calls 4"));
    }
}
