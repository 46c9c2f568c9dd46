//! The house's rules, as `cargo run -p xtask -- tidy` prints them.

use xtask::{Project, Tree};

#[test]
fn the_house_is_tidy() -> anyhow::Result<()> {
    let findings = xtask::tidy(&Project::of(Tree::read(&testkit::repository())?));
    let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    Ok(())
}
