//! What the operations of ledger cost.

use ledger::{App, system};
use testkit::{Worlds, budgets};

const WORLDS: Worlds<App> = Worlds { system, app: App::from_env };

/// An operation is a line and the `budget` line behind it, which may name it.
const OPERATIONS: &str = "
    alice POST /accounts {account_id: cash, type: asset, currency: EUR}  201
    budget
    alice POST /accounts {account_id: sales, type: income, currency: EUR, may_go_negative: true}  201
    alice POST /accounts {account_id: fees, type: expense, currency: EUR, may_go_negative: true, shards: 16}  201
    alice GET  /accounts  200
    budget
    alice POST /transactions {transaction_id: a, entries: [{account_id: cash, side: debit, amount_minor: 970, currency: EUR}, {account_id: sales, side: credit, amount_minor: 970, currency: EUR}]}  201
    budget two entries; a sandbox's first, so their accounts too
    alice POST /transactions {transaction_id: b, entries: [{account_id: cash, side: debit, amount_minor: 970, currency: EUR}, {account_id: sales, side: credit, amount_minor: 970, currency: EUR}]}  201
    budget two entries
    alice POST /transactions {transaction_id: b, entries: [{account_id: cash, side: debit, amount_minor: 970, currency: EUR}, {account_id: sales, side: credit, amount_minor: 970, currency: EUR}]}  201
    budget the same again
    alice POST /transactions {transaction_id: c, entries: [{account_id: cash, side: debit, amount_minor: 970, currency: EUR}, {account_id: fees, side: debit, amount_minor: 30, currency: EUR}, {account_id: sales, side: credit, amount_minor: 1000, currency: EUR}]}  201
    alice POST /transactions {transaction_id: d, entries: [{account_id: cash, side: debit, amount_minor: 970, currency: EUR}, {account_id: fees, side: debit, amount_minor: 30, currency: EUR}, {account_id: sales, side: credit, amount_minor: 1000, currency: EUR}]}  201
    budget three entries
    alice POST /transactions {transaction_id: poor, entries: [{account_id: cash, side: credit, amount_minor: 9970, currency: EUR}, {account_id: sales, side: debit, amount_minor: 9970, currency: EUR}]}  409
    budget more than there is
    alice POST /transactions {transaction_id: h0, pending: true, expires_at: '2027-01-15T08:01:00Z', entries: [{account_id: cash, side: credit, amount_minor: 10, currency: EUR}, {account_id: sales, side: debit, amount_minor: 10, currency: EUR}]}  201
    alice POST /transactions {transaction_id: h1, pending: true, expires_at: '2027-01-15T08:01:00Z', entries: [{account_id: cash, side: credit, amount_minor: 10, currency: EUR}, {account_id: sales, side: debit, amount_minor: 10, currency: EUR}]}  201
    budget a hold of two entries that expires
    alice POST /transactions/h1/post {}  200
    budget two entries
    alice POST /transactions {transaction_id: h2, pending: true, entries: [{account_id: cash, side: credit, amount_minor: 10, currency: EUR}, {account_id: sales, side: debit, amount_minor: 10, currency: EUR}]}  201
    alice POST /transactions/h2/void  200
    budget two entries
    alice POST /transactions/a/reverse {}  201
    budget two entries
    alice GET  /transactions/h1  200
    budget
    alice GET  /accounts/cash  200
    budget
    alice GET  /accounts/fees  200
    budget of 16 shards
    alice GET  /accounts/cash?as_of=2027-01-15T08:00:00Z  200
    budget as of a time, without a checkpoint and with six entries before it
    alice GET  /accounts/cash/entries  200
    budget
    alice GET  /ledger/export?from=2027-01-15T00:00:00Z  200
    budget a day
    invoke take_postings {Records: [{messageId: a, body: '{\"source\": \"almanac.x\", \"detail\": {\"v\": 1, \"id\": \"x\", \"tenant\": \"alice\", \"transaction\": {\"transaction_id\": \"p1\", \"entries\": [{\"account_id\": \"cash\", \"side\": \"debit\", \"amount_minor\": 10, \"currency\": \"EUR\"}, {\"account_id\": \"sales\", \"side\": \"credit\", \"amount_minor\": 10, \"currency\": \"EUR\"}]}}}'}]}  {batchItemFailures: []}
    budget two entries
    stream checkpoint_balances
    budget none is due
    stream publish_changes
    budget all that happened here
    clock +1m
    schedule sweep_due
    budget two holds
    queue expire_transactions
    budget a hold, and one that has ended
    clock +10m
    schedule sweep_due
    clock +1m
    schedule sweep_due
    budget nothing due
    anon GET /health        200
    budget
    anon GET /openapi.json  200
    budget
    anon GET /docs          200
    budget
    anon GET /nowhere       404
    budget
";

#[test]
fn ledger_keeps_its_budgets() {
    budgets(&WORLDS, &[OPERATIONS]);
}
