//! What identity's operations cost.

use identity::{App, system};
use testkit::{Worlds, budgets};

use super::of;

const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// An operation is a line and the `budget` line behind it, which names it.
const OPERATIONS: &str = "
    invoke issue_key {owner: alice, name: ci, scopes: [links:read]}  {secret: $secret}
    budget
    invoke authorize {version: '2.0', headers: {x-api-key: $secret}}  {context: {caller: alice}}
    budget API key, its first use in a minute
    invoke authorize {version: '2.0', headers: {x-api-key: $secret}}  {context: {caller: alice}}
    budget API key, remembered
    invoke authorize {version: '2.0', headers: {authorization: Basic YWxpY2U6eA==}}  {isAuthorized: true}
    budget nothing that can be a credential
    alice  POST /keys {name: ci, scopes: [nonsense]} [Idempotency-Key: k1]  422
    budget refused; a sandbox's first in 20 s, so the stored limit too
    alice  POST /keys {name: ci, scopes: [keys:read]} [Idempotency-Key: k1]  201 {key: {id: $id}}
    budget
    alice  POST /keys {name: ci, scopes: [keys:read]} [Idempotency-Key: k1]  201
    budget repeated
    alice  GET /keys  200
    budget a page of 2
    alice  GET /keys/$id  200
    budget
    alice  POST /keys/$id/rotate {grace_seconds: 60}  201 {key: {id: $new}}
    budget
    alice  DELETE /keys/$new  204
    budget
    anon   GET /openapi.json  200
    budget
    anon   GET /docs  200
    budget
    anon   GET /health  200
    budget
    anon   GET /else  404
    budget
";

#[test]
fn identity_keeps_its_budgets() {
    let budgets = budgets(&WORLDS, &[OPERATIONS]);
    assert_eq!(of(&budgets, "authorize", "API key, remembered").round_trips, 0);
    assert_eq!(of(&budgets, "create_key", "").round_trips, 2, "a unit of the limit, and the key");
}
