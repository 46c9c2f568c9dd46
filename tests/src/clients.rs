//! Clients that nobody here wrote, unmodified, against the deployed cloud: `tests/clients`.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use testkit::repository;

/// Runs a file of tests with the clients' own Python.
fn play(file: &str) -> Result<()> {
    let python = repository().join(".local/clients/bin/python");
    let pytest = ["-m", "pytest", "--quiet", "--tb=short", "-p", "no:cacheprovider", "-rP"];
    let mut command = Command::new(&python);
    command.args(pytest).arg(repository().join("tests/clients").join(file));
    let run = command.output().with_context(|| format!("cannot run {}: run `make test`", python.display()))?;
    let (said, complained) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    ensure!(run.status.success(), "{file} failed:\n{said}\n{complained}");
    Ok(())
}

#[test]
fn schemathesis_finds_every_answer_in_the_document() -> Result<()> {
    play("test_openapi.py")
}

#[test]
fn parsers_of_others_read_the_rate_limit_headers() -> Result<()> {
    play("test_rate_limit.py")
}

#[test]
fn bitlys_sdk_shortens_expands_changes_and_counts() -> Result<()> {
    play("test_bitly.py")
}

#[test]
fn kutts_client_makes_lists_changes_counts_and_deletes() -> Result<()> {
    play("test_kutt.py")
}

#[test]
fn receivers_of_others_read_what_notifications_sends() -> Result<()> {
    play("test_notifications.py")
}

#[test]
fn hledger_and_beancount_find_the_books_balanced() -> Result<()> {
    play("test_ledger.py")
}
