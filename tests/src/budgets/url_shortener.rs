//! What the url-shortener's operations cost.

use testkit::{Worlds, budgets};
use url_shortener::{App, system};

use super::of;

const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// An operation is a line and the `budget` line behind it, which names it.
const OPERATIONS: &str = "
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
    budget a page of 5
    anon   GET /cat  302
    budget not remembered
    anon   GET /cat  302
    budget remembered
    anon   HEAD /cat  302
    budget remembered, HEAD
    anon   GET /nothing  404
    budget no such link
    queue count_clicks 2
    budget 2 clicks of one link and minute
    stream roll_up_clicks
    budget a minute into its hour
    stream roll_up_clicks
    budget an hour into its day
    stream roll_up_clicks
    budget a day into its month
    alice  GET /links/cat/stats  200 {total_clicks: 2}
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
    anon   GET /docs  200
    budget
    anon   GET /health  200
    budget
    anon   PUT /links  405
    budget
";

#[test]
fn url_shortener_keeps_its_budgets() {
    let budgets = budgets(&WORLDS, &[OPERATIONS]);
    for operation in ["chosen code", "generated code", "with an Idempotency-Key", "with an Idempotency-Key, repeated"] {
        assert!(of(&budgets, "create_link", operation).round_trips <= 2, "{operation}");
    }
    assert_eq!(of(&budgets, "follow_link", "remembered").read_units, 0.0);
    assert!(of(&budgets, "follow_link", "not remembered").read_units <= 1.0);
    assert!(of(&budgets, "count_clicks", "2 clicks of one link and minute").write_units <= 1.0);
    assert_eq!(of(&budgets, "list_links", "a page of 5").calls, "1 `Query`");
    assert_eq!(of(&budgets, "get_stats", "").calls, "1 `Query`");
}
