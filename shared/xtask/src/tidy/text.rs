//! Files as text: how long they may be, and that nothing in them is left for later.

use super::{Finding, found};
use crate::names::word_at;
use crate::project::Project;
use crate::source::{code_of, line_of};

/// Lines of a Rust file, its tests included. Functions are clippy's (`too-many-lines-threshold`).
const MOST_LINES: usize = 300;
/// Characters of a line.
const MOST_COLUMNS: usize = 120;
/// Marks of unfinished work, spelled so that this file does not hold them.
const MARKS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Files and lines fit on a screen or two.
pub(super) fn size(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in project.tree.all() {
        let rust = path.ends_with(".rs");
        let lines = text.lines().count();
        if rust && lines > MOST_LINES {
            let remedy = format!("split it by what it is about ({MOST_LINES} at most)");
            findings.push(found(path, format!("it has {lines} lines"), remedy));
        }
        // A line of a scenario is one step: it cannot be wrapped.
        let wrapped = (rust
            && !["tests/src/systems/", "tests/src/budgets/"].iter().any(|folder| path.starts_with(folder)))
            || path.ends_with(".py");
        for (index, line) in text.lines().enumerate().filter(|_| wrapped) {
            let columns = line.chars().count();
            if columns > MOST_COLUMNS {
                let wrong = format!("the line has {columns} columns");
                findings.push(found(format!("{path}:{}", index + 1), wrong, format!("wrap it at {MOST_COLUMNS}")));
            }
        }
    }
    findings
}

/// No work is left for later in a comment, and no test is switched off.
pub(super) fn unfinished(project: &Project) -> Vec<Finding> {
    const KINDS: [&str; 7] = [".rs", ".py", ".yaml", ".toml", ".md", ".txt", ".json"];
    let mut findings = Vec::new();
    let files =
        project.tree.all().filter(|(path, _)| KINDS.iter().any(|kind| path.ends_with(kind)) || path == &"Makefile");
    for (path, text) in files {
        for mark in MARKS {
            let lines = text.lines().enumerate().filter(|(_, line)| word_at(line, mark).is_some());
            findings.extend(lines.map(|(index, _)| {
                let remedy = "finish it, or write an issue and say here what is so today";
                found(format!("{path}:{}", index + 1), format!("{mark} is left"), remedy)
            }));
        }
        if path.ends_with(".rs") {
            let code = code_of(text);
            findings.extend(code.match_indices("#[ignore").map(|(at, _)| {
                let remedy = "make the test pass, or delete it with the reason in the commit";
                found(format!("{path}:{}", line_of(text, at)), "a test is switched off", remedy)
            }));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::MARKS;
    use crate::tidy::fixture::{findings, only, zoo};

    #[test]
    fn long_files_and_long_lines() {
        let mut tree = zoo();
        tree.put("shared/x/src/a.rs", "x\n".repeat(301));
        only(&tree, "shared/x/src/a.rs: it has 301 lines: split it");
        tree.put("shared/x/src/a.rs", format!("{}\n", "ü".repeat(120)));
        assert_eq!(findings(&tree), Vec::<String>::new());
        tree.put("shared/x/src/a.rs", format!("\n{}\n", "x".repeat(121)));
        only(&tree, "shared/x/src/a.rs:2: the line has 121 columns");
    }

    #[test]
    fn nothing_is_left_for_later() {
        let mut tree = zoo();
        tree.put("notes.md", format!("{}S are words too", MARKS[0]));
        assert_eq!(findings(&tree), Vec::<String>::new());
        tree.put("notes.md", format!("\n{}: write this", MARKS[0]));
        only(&tree, "notes.md:2: ");
        tree.put("notes.md", "");
        tree.put("shared/x/src/a.rs", "// #[ignore]\n#[test]\n#[ignore = \"slow\"]\nfn f() {}");
        only(&tree, "shared/x/src/a.rs:3: a test is switched off");
    }
}
