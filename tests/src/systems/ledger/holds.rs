//! Transactions in two phases.

use super::check_books;

/// `cash` has 100.
const FUNDED: &str = "
    alice POST /transactions {transaction_id: in, entries: [{account_id: cash, side: debit, amount_minor: 100, currency: EUR}, {account_id: sales, side: credit, amount_minor: 100, currency: EUR}]}  201
";
/// 60 of them are held.
const HELD: &str = "
    alice POST /transactions {transaction_id: hold, pending: true, expires_at: '2027-01-15T09:00:00Z', entries: [{account_id: cash, side: credit, amount_minor: 60, currency: EUR}, {account_id: sales, side: debit, amount_minor: 60, currency: EUR}]}  201 {state: pending}
";

#[track_caller]
fn check_hold(script: &str) {
    check_books(&format!("{FUNDED}{HELD}{script}"));
}

#[test]
fn what_is_held_cannot_be_spent_and_what_it_will_bring_cannot_yet() {
    check_hold(
        "alice GET  /accounts/cash   200 {balance_minor: 100, available_minor: 40, pending_credits_minor: 60}
         alice GET  /accounts/sales  200 {balance_minor: 100, available_minor: 40, pending_debits_minor: 60}
         alice POST /transactions {transaction_id: out, entries: [{account_id: cash, side: credit, amount_minor: 41, currency: EUR}, {account_id: sales, side: debit, amount_minor: 41, currency: EUR}]}  409 funds-insufficient
         alice POST /transactions {transaction_id: hold-2, pending: true, entries: [{account_id: cash, side: credit, amount_minor: 41, currency: EUR}, {account_id: sales, side: debit, amount_minor: 41, currency: EUR}]}  409 funds-insufficient
         alice POST /transactions {transaction_id: more, pending: true, entries: [{account_id: cash, side: debit, amount_minor: 500, currency: EUR}, {account_id: sales, side: credit, amount_minor: 500, currency: EUR}]}  201
         alice GET  /accounts/cash   200 {balance_minor: 100, available_minor: 40, pending_debits_minor: 500}
         alice POST /transactions {transaction_id: through, pending: true, entries: [{account_id: cash, side: credit, amount_minor: 41, currency: EUR}, {account_id: cash, side: debit, amount_minor: 41, currency: EUR}]}  409 funds-insufficient",
    );
}

#[test]
fn a_hold_is_posted_whole_or_in_part_once() {
    check_hold(
        "alice POST /transactions/hold/post {entries: [{account_id: cash, side: credit, amount_minor: 61, currency: EUR}, {account_id: sales, side: debit, amount_minor: 61, currency: EUR}]}  422 entries-invalid
         alice POST /transactions/hold/post {entries: [{account_id: cash, side: credit, amount_minor: 45, currency: EUR}, {account_id: sales, side: debit, amount_minor: 45, currency: EUR}]}  200 {state: posted}
         alice POST /transactions/hold/post {entries: [{account_id: sales, side: debit, amount_minor: 45, currency: EUR}, {account_id: cash, side: credit, amount_minor: 45, currency: EUR}]}  200 {state: posted}
         alice POST /transactions/hold/post {}  409 transaction-ended
         alice POST /transactions/hold/void  409 transaction-ended
         alice GET  /accounts/cash   200 {balance_minor: 55, available_minor: 55, pending_credits_minor: 0}
         alice POST /transactions/in/post {}  409 transaction-not-pending
         alice POST /transactions/hold/reverse {}  201 {reverses: hold}
         alice GET  /accounts/cash   200 {balance_minor: 100, available_minor: 100}
         clock +2h
         schedule sweep_due
         queue expire_transactions twice
         alice POST /transactions/hold/post {entries: [{account_id: cash, side: credit, amount_minor: 45, currency: EUR}, {account_id: sales, side: debit, amount_minor: 45, currency: EUR}]}  200 {state: posted}
         alice GET  /accounts/cash   200 {balance_minor: 100, available_minor: 100}",
    );
}

#[test]
fn a_hold_is_let_go() {
    check_hold(
        "alice POST /transactions/hold/void  200 {state: voided}
         alice POST /transactions/hold/void  200 {state: voided}
         alice POST /transactions/hold/post {}  409 transaction-ended
         alice POST /transactions/hold/reverse {}  409 transaction-not-posted
         alice GET  /accounts/cash   200 {balance_minor: 100, available_minor: 100, pending_credits_minor: 0}
         alice GET  /accounts/cash/entries  200 {closing_balance_minor: 100}",
    );
}

/// What expires is over at its time, whether a sweep has come by or not.
#[test]
fn a_hold_expires_by_itself() {
    check_hold(
        "clock +1h
         alice POST /transactions/hold/post {}  409 transaction-expired
         schedule sweep_due
         queue expire_transactions twice
         alice GET  /transactions/hold  200 {state: expired}
         alice POST /transactions/hold/void  200 {state: expired}
         alice POST /transactions/hold/post {}  409 transaction-expired
         alice GET  /accounts/cash   200 {balance_minor: 100, available_minor: 100, pending_credits_minor: 0}
         alice POST /transactions {transaction_id: hold, pending: true, expires_at: '2027-01-15T09:00:00Z', entries: [{account_id: cash, side: credit, amount_minor: 60, currency: EUR}, {account_id: sales, side: debit, amount_minor: 60, currency: EUR}]}  201 {transaction_id: hold, state: expired}
         alice POST /transactions {transaction_id: late, pending: true, expires_at: '2027-01-15T09:00:00Z', entries: [{account_id: cash, side: credit, amount_minor: 60, currency: EUR}, {account_id: sales, side: debit, amount_minor: 60, currency: EUR}]}  422 time-invalid
         alice POST /transactions {transaction_id: late, expires_at: '2027-02-15T09:00:00Z', entries: [{account_id: cash, side: credit, amount_minor: 60, currency: EUR}, {account_id: sales, side: debit, amount_minor: 60, currency: EUR}]}  422 time-invalid",
    );
}
