//! The judge is told lies, and names each.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::books::Books;
use super::{ACCOUNTS, Got};

fn transfer(amount: i64) -> Value {
    json!([
        {"account_id": "bank", "side": "debit", "amount_minor": amount, "currency": "EUR"},
        {"account_id": "ada", "side": "credit", "amount_minor": amount, "currency": "EUR"},
    ])
}

fn account(debits: i64, credits: i64, held: i64) -> Value {
    json!({
        "debits_minor": debits, "credits_minor": credits, "pending_debits_minor": 0, "pending_credits_minor": held,
        "balance_minor": debits - credits, "available_minor": if debits > 0 { debits - held } else { credits },
    })
}

/// 5 were moved from the bank to Ada, 3 of 4 that were held are hers, and 2 are held.
fn books() -> Books {
    let transactions = [
        ("move-1", json!({"state": "posted", "entries": transfer(5)})),
        ("hold-2", json!({"state": "posted", "entries": transfer(4), "posted_entries": transfer(3)})),
        ("hold-3", json!({"state": "pending", "entries": transfer(2)})),
        ("hold-4", json!({"state": "voided", "entries": transfer(9)})),
    ];
    let mut books = Books {
        transactions: transactions.into_iter().map(|(id, shown)| (id.to_owned(), shown)).collect(),
        accounts: ACCOUNTS.into_iter().map(|name| (name, account(0, 0, 0))).collect(),
        statements: ACCOUNTS.into_iter().map(|name| (name, (0, 0))).collect(),
    };
    books.accounts.insert("bank", account(8, 0, 2));
    books.accounts.insert("ada", account(0, 8, 2));
    books.statements.insert("bank", (8, 2));
    books.statements.insert("ada", (-8, 2));
    books
}

fn told() -> BTreeMap<String, (Value, Got)> {
    let told = [("move-1", Got::Done), ("hold-2", Got::Done), ("hold-3", Got::Unknown), ("move-9", Got::Refused)];
    told.into_iter().map(|(id, got)| (id.to_owned(), (json!({}), got))).collect()
}

fn ends() -> Vec<(String, Value)> {
    vec![
        ("hold-2".to_owned(), json!({"state": "posted", "posted_entries": transfer(3)})),
        ("hold-4".to_owned(), json!({"state": "voided"})),
    ]
}

#[test]
fn the_truth_is_not_called_a_lie() {
    assert_eq!(books().judge(&told(), &ends()).broken, Vec::<String>::new());
}

#[test]
fn each_lie_is_named() {
    let lie = |lie: &dyn Fn(&mut Books), said: &str| {
        let mut books = books();
        lie(&mut books);
        let broken = books.judge(&told(), &ends()).broken;
        assert!(broken.iter().any(|line| line.contains(said)), "{said}: {broken:?}");
    };
    lie(&|books| drop(books.transactions.remove("move-1")), "move-1 was acknowledged and is not there");
    let made = json!({"state": "voided", "entries": []});
    lie(&|books| drop(books.transactions.insert("move-9".to_owned(), made.clone())), "move-9 was refused and is there");
    lie(&|books| drop(books.accounts.insert("ada", account(0, 9, 2))), "ada is [0, 9, 2]");
    lie(&|books| drop(books.accounts.insert("ada", account(0, 8, 0))), "ada is [0, 8, 0]");
    let leaks = |books: &mut Books| {
        books.accounts.entry("ada").and_modify(|shown| shown["available_minor"] = json!(6));
    };
    lie(&leaks, "ada has another amount available");
    let other = json!({"state": "posted", "entries": transfer(4), "posted_entries": transfer(4)});
    lie(&|books| drop(books.transactions.insert("hold-2".to_owned(), other.clone())), "hold-2 was told to have ended");
    let short = |books: &mut Books| {
        books.statements.insert("bank", (7, 2));
    };
    lie(&short, "its statement ends with 7");
    let lame = json!({"state": "posted", "entries": [transfer(5)[0]]});
    lie(&|books| drop(books.transactions.insert("move-1".to_owned(), lame.clone())), "move-1 does not balance");
}
