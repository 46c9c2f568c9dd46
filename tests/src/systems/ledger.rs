//! The ledger, as its documentation would tell it.

mod history;
mod holds;
mod journal;
mod model;
mod postings;
mod statements;

use ledger::{App, system};
use serde_json::json;
use testkit::{Worlds, play};

use crate::cloud::access::{Case, case};

pub(crate) const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// How the deployed routes are called by the right tenant and by another one; `{id}` is a transaction of the right
/// one's that is pending.
pub(crate) fn access() -> Vec<Case> {
    let account = json!({"account_id": "matrix", "type": "asset", "currency": "EUR"});
    vec![
        case("create_account", "/accounts", Some(account), 201, 201),
        case("list_accounts", "/accounts", None, 200, 200),
        case("get_account", "/accounts/cash", None, 200, 404),
        case("list_entries", "/accounts/cash/entries", None, 200, 404),
        case("create_transaction", "/transactions", Some(transfer("matrix", 1)), 201, 422),
        case("get_transaction", "/transactions/{id}", None, 200, 404),
        case("post_transaction", "/transactions/{id}/post", Some(json!({})), 200, 404),
        case("void_transaction", "/transactions/{id}/void", None, 200, 404),
        case("reverse_transaction", "/transactions/{id}/reverse", Some(json!({})), 409, 404),
        case("export_journal", "/ledger/export?from=2026-11-01T00:00:00Z", None, 200, 200),
        case("check_health", "/health", None, 200, 200),
    ]
}

/// A sale: from `sales`, which is income, to `cash`.
pub(crate) fn transfer(id: &str, amount_minor: u64) -> serde_json::Value {
    json!({"transaction_id": id, "entries": [
        {"account_id": "cash", "side": "debit", "amount_minor": amount_minor, "currency": "EUR"},
        {"account_id": "sales", "side": "credit", "amount_minor": amount_minor, "currency": "EUR"},
    ]})
}

/// `cash` is what a customer has, `sales` and `fees` may go negative.
pub(crate) const BOOKS: &str = "
    alice POST /accounts {account_id: cash, type: asset, currency: EUR}  201 {account_id: cash, normal_side: debit, may_go_negative: false, shards: 1}
    alice POST /accounts {account_id: sales, type: income, currency: EUR, may_go_negative: true}  201 {normal_side: credit}
    alice POST /accounts {account_id: 'fees:card', type: expense, currency: EUR, may_go_negative: true, shards: 4}  201
";

#[track_caller]
fn check(script: &str) {
    play(&WORLDS, &[], script);
}

#[track_caller]
fn check_books(script: &str) {
    check(&format!("{BOOKS}{script}"));
}

#[test]
fn it_answers_and_rejects_what_it_does_not_know() {
    check(
        "anon  GET  /health     200 {status: ok}
         anon  GET  /openapi.json  200 {openapi: 3.1.0}
         anon  GET  /docs       200
         anon  GET  /nowhere    404 no-such-route
         anon  POST /health {}  405 method-not-allowed
         anon  GET  /accounts   401 unauthenticated
         alice(ledger:read) POST /accounts {account_id: cash, type: asset, currency: EUR}  403 insufficient-scope",
    );
}

#[test]
fn an_account_is_opened_once_and_stays_as_it_is() {
    check_books(
        "alice POST /accounts {account_id: cash, type: asset, currency: EUR}  201 {account_id: cash}
         alice POST /accounts {account_id: cash, type: asset, currency: USD}  409 account-exists
         bob   POST /accounts {account_id: cash, type: liability, currency: USD}  201 {normal_side: credit}
         alice GET  /accounts  200
         alice GET  /accounts/cash  200 {account_id: cash, currency: EUR, balance_minor: 0, available_minor: 0, pending_debits_minor: 0}
         alice GET  /accounts/none  404 account-not-found
         alice GET  /accounts/Cash  404 account-not-found
         alice POST /accounts {account_id: Cash, type: asset, currency: EUR}  422 account-invalid
         alice POST /accounts {account_id: 'a::b', type: asset, currency: EUR}  422 account-invalid
         alice POST /accounts {account_id: a, type: asset, currency: XAU}  422 invalid-body
         alice POST /accounts {account_id: a, type: asset, currency: EUR, shards: 2}  422 account-invalid
         alice POST /accounts {account_id: a, type: asset, currency: EUR, may_go_negative: true, shards: 65}  422 account-invalid",
    );
}

#[test]
fn a_double_entry_is_posted_once_whoever_repeats_it() {
    check_books(
        "alice POST /transactions {transaction_id: sale-1, description: A sale, entries: [{account_id: cash, side: debit, amount_minor: 970, currency: EUR}, {account_id: 'fees:card', side: debit, amount_minor: 30, currency: EUR}, {account_id: sales, side: credit, amount_minor: 1000, currency: EUR}]}  201 {transaction_id: sale-1, state: posted}
         alice POST /transactions {transaction_id: sale-1, description: A sale, entries: [{account_id: sales, side: credit, amount_minor: 1000, currency: EUR}, {account_id: cash, side: debit, amount_minor: 970, currency: EUR}, {account_id: 'fees:card', side: debit, amount_minor: 30, currency: EUR}]}  201 {state: posted}
         alice POST /transactions {transaction_id: sale-1, description: A sale, entries: [{account_id: cash, side: debit, amount_minor: 1000, currency: EUR}, {account_id: sales, side: credit, amount_minor: 1000, currency: EUR}]}  409 transaction-id-reused
         alice GET  /transactions/sale-1  200 {description: A sale, state: posted}
         bob   GET  /transactions/sale-1  404 transaction-not-found
         alice GET  /accounts/cash  200 {balance_minor: 970, debits_minor: 970, credits_minor: 0, available_minor: 970}
         alice GET  /accounts/sales  200 {balance_minor: 1000, credits_minor: 1000}
         alice GET  /accounts/fees:card  200 {balance_minor: 30}
         alice GET  /ledger/export?from=2027-01-01T00:00:00Z  200
         alice GET  /ledger/export?from=2027-01-01T00:00:00Z&format=gnucash  400 invalid-query
         alice GET  /ledger/export  400 invalid-query",
    );
}

#[test]
fn what_is_no_double_entry_is_refused_and_nothing_of_it_is_written() {
    check_books(
        "alice POST /accounts {account_id: dollars, type: asset, currency: USD, may_go_negative: true}  201
         alice POST /transactions {transaction_id: t, entries: [{account_id: cash, side: debit, amount_minor: 2, currency: EUR}, {account_id: sales, side: credit, amount_minor: 1, currency: EUR}]}  422 entries-invalid
         alice POST /transactions {transaction_id: t, entries: [{account_id: cash, side: debit, amount_minor: 2, currency: EUR}]}  422 entries-invalid
         alice POST /transactions {transaction_id: t, entries: [{account_id: cash, side: debit, amount_minor: 0, currency: EUR}, {account_id: sales, side: credit, amount_minor: 0, currency: EUR}]}  422 entries-invalid
         alice POST /transactions {transaction_id: t, entries: [{account_id: cash, side: debit, amount_minor: 9007199254740992, currency: EUR}, {account_id: sales, side: credit, amount_minor: 9007199254740992, currency: EUR}]}  422 entries-invalid
         alice POST /transactions {transaction_id: t, entries: [{account_id: cash, side: debit, amount_minor: 1.5, currency: EUR}, {account_id: sales, side: credit, amount_minor: 1.5, currency: EUR}]}  422 invalid-body
         alice POST /transactions {transaction_id: t, entries: [{account_id: cash, side: debit, amount_minor: 1, currency: EUR}, {account_id: cash, side: debit, amount_minor: 1, currency: EUR}, {account_id: sales, side: credit, amount_minor: 2, currency: EUR}]}  422 entries-invalid
         alice POST /transactions {transaction_id: t, entries: [{account_id: dollars, side: debit, amount_minor: 2, currency: USD}, {account_id: sales, side: credit, amount_minor: 2, currency: EUR}]}  422 entries-invalid
         alice POST /transactions {transaction_id: t, entries: [{account_id: dollars, side: debit, amount_minor: 2, currency: EUR}, {account_id: sales, side: credit, amount_minor: 2, currency: EUR}]}  422 entries-invalid
         alice POST /transactions {transaction_id: t, entries: [{account_id: none, side: debit, amount_minor: 2, currency: EUR}, {account_id: sales, side: credit, amount_minor: 2, currency: EUR}]}  422 account-unknown
         alice POST /transactions {transaction_id: 'reversal-of:t', entries: [{account_id: cash, side: debit, amount_minor: 2, currency: EUR}, {account_id: sales, side: credit, amount_minor: 2, currency: EUR}]}  422 transaction-invalid
         alice GET  /transactions/t  404 transaction-not-found
         alice GET  /accounts/cash  200 {balance_minor: 0}",
    );
}

#[test]
fn an_account_that_may_not_owe_never_does() {
    check_books(
        "alice POST /transactions {transaction_id: in, entries: [{account_id: cash, side: debit, amount_minor: 100, currency: EUR}, {account_id: sales, side: credit, amount_minor: 100, currency: EUR}]}  201
         alice POST /transactions {transaction_id: out, entries: [{account_id: cash, side: credit, amount_minor: 101, currency: EUR}, {account_id: sales, side: debit, amount_minor: 101, currency: EUR}]}  409 funds-insufficient
         alice POST /transactions {transaction_id: out, entries: [{account_id: cash, side: credit, amount_minor: 100, currency: EUR}, {account_id: sales, side: debit, amount_minor: 100, currency: EUR}]}  201
         alice POST /transactions {transaction_id: more, entries: [{account_id: cash, side: credit, amount_minor: 1, currency: EUR}, {account_id: sales, side: debit, amount_minor: 1, currency: EUR}]}  409 funds-insufficient
         alice GET  /accounts/cash  200 {balance_minor: 0, debits_minor: 100, credits_minor: 100, available_minor: 0}",
    );
}

#[test]
fn a_reversal_is_another_transaction_and_there_is_one() {
    check_books(
        "alice POST /transactions {transaction_id: in, entries: [{account_id: cash, side: debit, amount_minor: 100, currency: EUR}, {account_id: sales, side: credit, amount_minor: 100, currency: EUR}]}  201
         alice POST /transactions/in/reverse {description: a mistake}  201 {transaction_id: 'reversal-of:in', state: posted, reverses: in}
         alice POST /transactions/in/reverse {description: a mistake}  201 {transaction_id: 'reversal-of:in'}
         alice GET  /transactions/reversal-of:in  200 {description: a mistake}
         alice POST /transactions/reversal-of:in/reverse {}  409 transaction-is-reversal
         alice POST /transactions/none/reverse {}  404 transaction-not-found
         alice GET  /accounts/cash  200 {balance_minor: 0, debits_minor: 100, credits_minor: 100}
         alice GET  /transactions/in  200 {state: posted}",
    );
}
