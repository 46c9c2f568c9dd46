//! What the url-shortener's operations cost.

use testkit::{Worlds, budgets};
use url_shortener::{App, system};

use super::of;

const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// An operation is a line and the `budget` line behind it, which names it.
const OPERATIONS: &str = "
    alice  POST /links {code: cat, url: ftp://a.example}  422
    budget refused; a sandbox's first in 20 s, so the stored limit too
    alice  POST /links {code: cat, url: https://a.example}  201
    budget chosen code
    alice  POST /links {code: brief, url: https://a.example, ttl_seconds: 3600}  201
    budget chosen code, with an end
    bob    POST /links {code: cat, url: https://a.example}  409 code-taken
    budget chosen code, taken
    alice  POST /links {url: https://a.example}  201
    budget generated code, a sandbox's first of 1,000
    alice  POST /links {url: https://a.example}  201
    budget generated code
    alice  POST /links {code: dog, url: https://a.example} [Idempotency-Key: k1]  201
    budget with an Idempotency-Key
    alice  POST /links {code: dog, url: https://a.example} [Idempotency-Key: k1]  201
    budget with an Idempotency-Key, repeated
    alice  GET /links/cat  200
    budget
    alice  GET /links  200
    alice  GET /links  200
    budget a page of 5
    anon   GET /cat  302
    budget not remembered
    anon   GET /cat  302
    budget remembered
    anon   HEAD /cat  302
    budget remembered, HEAD
    anon   GET /nothing  404
    budget no such link
    queue count_clicks 3
    budget 2 clicks of one link and minute, and a visit to none
    anon   GET /cat  302
    anon   GET /cat  302
    queue count_clicks 2
    budget 2 clicks of one link and minute
    stream roll_up_clicks
    budget a minute into its hour
    stream roll_up_clicks
    budget an hour into its day
    stream roll_up_clicks
    budget a day into its month
    alice  GET /links/cat/stats  200 {total_clicks: 4}
    budget
    alice  DELETE /links/dog  204
    budget
    stream publish_changes
    budget 5 links made, 1 disabled
    schedule sweep_expired
    budget the first of a stage
    clock +10m
    schedule sweep_expired
    budget nothing expired, a new hour
    clock +1m
    schedule sweep_expired
    budget nothing expired
    clock +61m
    schedule sweep_expired
    budget 1 link expired
    anon   GET /openapi.json  200
    budget
    anon   GET /  404
    budget the service's own
    alice  GET /orphans/stats  200
    budget
    anon   GET /docs  200
    budget
    anon   GET /health  200
    budget
    anon   PUT /links  405
    budget
";

/// What a link may be beside a code and a URL.
const WISHES: &str = "
    alice  POST /links {url: https://a.example, dedupe: true}  201
    alice  POST /links {url: https://b.example, dedupe: true}  201 {code: $one}
    budget generated code, dedupe
    alice  POST /links {url: https://b.example, dedupe: true}  200 {code: $one}
    budget dedupe, known
    alice  POST /links/batch {links: [{url: https://a.example, code: one}, {url: https://a.example, code: two}, {url: https://a.example, code: three}]}  200
    budget 3 links
    alice  POST /links {url: https://a.example, code: few, max_clicks: 5}  201
    alice  POST /links {url: https://a.example, code: path, forward_path: true}  201
    alice  POST /links {url: https://a.example, code: safe, password: open sesame}  201
    anon   GET /few  302
    budget limited clicks, not remembered
    anon   GET /few  302
    budget limited clicks, remembered
    anon   GET /path/a/b  302
    budget not remembered
    anon   POST /safe {password: open sesame}  303
    budget not remembered
    alice  PATCH /links/few {title: new}  200
    budget
    alice  PATCH /links/few {}  200
    budget nothing to change
    alice  GET /links/few/qr  200
    alice  GET /links/few/qr  200
    budget
    alice  GET /links?tag=red  200
    alice  GET /links?tag=red  200
    budget by tag, of 8 links
    alice  GET /requests/nobodys  404
    budget no such request
    invoke claim_queued {Records: [{messageId: m1, body: '{\"v\": 1, \"link\": {\"code\": \"later\", \"url\": \"https://a.example/\", \"owner\": \"alice\", \"created_at\": 1800000000000}, \"chosen\": true, \"dedupe\": \"no\", \"scope\": \"alice#queued\", \"key\": \"k\", \"fingerprint\": \"\"}'}]}  {batchItemFailures: []}
    budget 1 link
";

const DOMAINS: &str = "
    alice  PUT /domains/go.example {root_url: https://a.example}  200
    budget
    alice  POST /links {url: https://a.example, code: cat, domain: go.example}  201
    budget chosen code, on a tenant's domain
    alice  GET /domains/go.example  200
    budget
    alice  GET /domains  200
    budget a page of 1
    alice  GET /domains/go.example/stats  200
    budget
    alice  DELETE /domains/go.example  204
    budget
";

/// The names of the guides, of Bitly and of Kutt.
const OTHERS: &str = "
    alice  POST /links {url: https://a.example, code: cat}  201
    alice  POST /urls {long_url: https://a.example, custom_alias: one}  201
    budget chosen code
    alice  GET /urls/cat/stats  200
    budget
    alice  POST /api/shorten {original_url: https://a.example, custom_code: two}  201
    budget chosen code
    alice  GET /api/cat  200
    budget
    alice  GET /api/cat/stats  200
    budget
    alice  DELETE /api/two  204
    budget
    alice  POST /links {url: https://a.example}  201
    alice  POST /v4/shorten {long_url: https://b.example}  200
    budget
    alice  POST /v4/shorten {long_url: https://b.example}  200
    budget known
    alice  POST /v4/bitlinks {long_url: https://c.example, title: mine}  200
    budget
    alice  POST /v4/expand {bitlink_id: bit.ly/cat}  200
    budget
    alice  GET /v4/bitlinks/bit.ly/cat  200
    budget
    alice  PATCH /v4/bitlinks/bit.ly/cat {title: new}  200
    budget
    alice  PATCH /v4/bitlinks/bit.ly/cat {}  200
    budget nothing to change
    alice  GET /v4/bitlinks/bit.ly/cat/clicks  200
    budget
    alice  GET /v4/bitlinks/bit.ly/cat/clicks/summary  200
    budget
    alice  GET /v4/bitlinks/bit.ly/cat/countries  200
    budget
    alice  GET /v4/bitlinks/bit.ly/cat/referrers  200
    budget
    alice  GET /api/v2/links  200
    alice  GET /api/v2/links  200
    budget a page of 5
    alice  POST /api/v2/links {target: https://a.example, customurl: three}  201
    budget chosen code
    alice  POST /api/v2/links {target: https://b.example, reuse: true}  200
    budget known
    alice  PATCH /api/v2/links/three {description: new}  200
    budget
    alice  PATCH /api/v2/links/three {}  200
    budget nothing to change
    alice  GET /api/v2/links/three/stats  200
    budget
    alice  DELETE /api/v2/links/three  200
    budget
";

#[test]
fn url_shortener_keeps_its_budgets() {
    let budgets = budgets(&WORLDS, &[OPERATIONS, WISHES, DOMAINS, OTHERS]);
    for operation in ["chosen code", "generated code", "with an Idempotency-Key", "with an Idempotency-Key, repeated"] {
        assert!(of(&budgets, "create_link", operation).round_trips <= 2, "{operation}");
    }
    assert_eq!(of(&budgets, "follow_link", "remembered").read_units, 0.0);
    assert!(of(&budgets, "follow_link", "not remembered").read_units <= 1.0);
    assert!(of(&budgets, "count_clicks", "2 clicks of one link and minute").write_units <= 1.0);
    assert_eq!(of(&budgets, "list_links", "a page of 5").calls, "1 `Query`, 1 `UpdateItem`");
    assert_eq!(of(&budgets, "get_stats", "").calls, "1 `Query`");
}
