//! A tidy project to break: what the scaffolds write.

use super::tidy;
use crate::project::Project;
use crate::scaffold::{self, Access, Route};
use crate::tree::Tree;

/// A project with one system, `zoo`, that has a Lambda of every kind; nothing is wrong with it.
pub(crate) fn zoo() -> Tree {
    let mut tree = Tree::default();
    tree.put("Cargo.toml", "[workspace]\n\n[workspace.dependencies]\nanyhow = \"1\"\n");
    let catalogue = "| System | Does | Since |\n|---|---|---|\n| [platform](functions/platform/) | the bus | 0.1.0 |\n";
    tree.put("README.md", format!("# Zoo\n\n{catalogue}"));
    tree.put("functions/platform/README.md", "");
    tree.put("functions/platform/template.yaml", "Parameters: {Stage: {}, LogLevel: {}}\nResources: {}\n");
    tree.put("CHANGELOG.md", "");
    tree.put("shared/docs/TESTING.md", "");
    let platform = "Type: AWS::Serverless::Application\n    Properties: {Location: functions/platform/template.yaml}";
    tree.put("template.yaml", format!("Resources:\n  Platform:\n    {platform}\n"));
    tree.put("tests/Cargo.toml", "[dev-dependencies]\nanyhow.workspace = true\n");
    tree.put("tests/src/systems/mod.rs", "//! Scenarios.\n\n");
    tree.put("tests/src/budgets/mod.rs", "//! Budgets.\n\n");
    scaffold::new_system(&mut tree, "zoo").unwrap();
    for (name, route) in [
        (
            "feed_cat",
            Route::Http { method: "POST".into(), path: "/feed-cat".into(), access: Access::Scope("zoo:write".into()) },
        ),
        ("count_meals", Route::Queue("meals".into())),
        ("publish_changes", Route::Stream),
        ("sweep_cages", Route::Schedule),
        ("authorize", Route::Invoke),
    ] {
        scaffold::new_handler(&mut tree, "zoo", name, &route).unwrap();
    }
    let readme = tree.text("functions/zoo/README.md").unwrap_or_default().to_owned();
    tree.put("functions/zoo/README.md", readme + "\n`POST /feed-cat`\n");
    tree
}

/// The zoo with one text changed, which must be there.
pub(crate) fn edited(path: &str, from: &str, to: &str) -> Tree {
    let mut tree = zoo();
    let text = tree.text(path).unwrap_or_default();
    assert!(text.contains(from), "{path} does not contain {from:?}:\n{text}");
    let text = text.replace(from, to);
    tree.put(path, text);
    tree
}

/// What tidy says.
pub(crate) fn findings(tree: &Tree) -> Vec<String> {
    tidy(&Project::of(tree.clone())).iter().map(ToString::to_string).collect()
}

/// Asserts that tidy says one thing, and this.
pub(crate) fn only(tree: &Tree, message: &str) {
    let findings = findings(tree);
    assert!(findings.len() == 1 && findings[0].contains(message), "expected {message:?}, found {findings:#?}");
}

#[test]
fn the_zoo_is_tidy() {
    assert_eq!(findings(&zoo()), Vec::<String>::new());
}
