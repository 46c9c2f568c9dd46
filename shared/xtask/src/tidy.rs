//! `xtask tidy`: the rules, the list of exceptions, and what is told of a broken rule.

mod crates;
mod docs;
mod five_files;
mod inputs;
mod logs;
mod socket;
pub(crate) mod stack;
mod text;
mod wiring;

use std::fmt;

use crate::project::Project;

/// Where the exceptions stand.
pub const EXCEPTIONS: &str = "shared/xtask/exceptions.txt";

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// A path, with `:line` or `#LogicalId` where that helps.
    pub place: String,
    /// What is wrong.
    pub wrong: String,
    /// What to do.
    pub remedy: String,
}

/// A rule: its name in the list of exceptions, and the check.
struct Rule {
    name: &'static str,
    check: fn(&Project) -> Vec<Finding>,
}

const fn rule(name: &'static str, check: fn(&Project) -> Vec<Finding>) -> Rule {
    Rule { name, check }
}

const RULES: [Rule; 19] = [
    rule("readable", five_files::readable),
    rule("five-files", five_files::complete),
    rule("orphan", five_files::orphans),
    rule("every-system", five_files::in_tests_of_all),
    rule("handler-says", five_files::first_lines),
    rule("wiring", wiring::agrees),
    rule("mapping", wiring::mappings),
    rule("sections", stack::sections),
    rule("physical-name", stack::physical_names),
    rule("iam-star", stack::stars),
    rule("redrive", stack::redrive),
    rule("root-template", stack::root),
    rule("dependency", crates::dependencies),
    rule("pure-domain", crates::domain),
    rule("lambda-runtime", crates::lambda_runtime),
    rule("size", text::size),
    rule("unfinished", text::unfinished),
    rule("readme", docs::readmes),
    rule("link", docs::links),
];

/// Every broken rule that no exception allows, and every exception that allows nothing.
pub fn tidy(project: &Project) -> Vec<Finding> {
    let exceptions = exceptions(project.tree.text(EXCEPTIONS).unwrap_or_default());
    let mut used = vec![false; exceptions.len()];
    let mut findings = Vec::new();
    for rule in &RULES {
        for finding in (rule.check)(project) {
            match exceptions.iter().position(|exception| exception.allows(rule.name, &finding.place)) {
                Some(index) => used[index] = true,
                None => findings.push(finding),
            }
        }
    }
    for (exception, used) in exceptions.iter().zip(used) {
        let place = format!("{EXCEPTIONS}:{}", exception.line);
        if exception.reason.is_empty() {
            findings.push(found(place, "an exception needs a path, a rule and a reason", "write all three"));
        } else if !RULES.iter().any(|rule| rule.name == exception.rule) {
            findings.push(found(
                place,
                format!("there is no rule {}", exception.rule),
                format!("the rules are {}", names()),
            ));
        } else if !used {
            let wrong = format!("{} no longer needs its exception from {}", exception.place, exception.rule);
            findings.push(found(place, wrong, "delete the line"));
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

struct Exception<'a> {
    line: usize,
    place: &'a str,
    rule: &'a str,
    reason: &'a str,
}

impl Exception<'_> {
    /// A place without a line or a logical id stands for the whole file.
    fn allows(&self, rule: &str, place: &str) -> bool {
        self.rule == rule && (self.place == place || place.split([':', '#']).next() == Some(self.place))
    }
}

fn exceptions(text: &str) -> Vec<Exception<'_>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|(index, line)| {
            let (place, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line, ""));
            let (rule, reason) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
            Exception { line: index + 1, place, rule, reason: reason.trim() }
        })
        .collect()
}

fn names() -> String {
    RULES.map(|rule| rule.name).join(", ")
}

pub(crate) fn found(place: impl Into<String>, wrong: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { place: place.into(), wrong: wrong.into(), remedy: remedy.into() }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.wrong, self.remedy)
    }
}

#[cfg(test)]
pub(crate) mod fixture;

#[cfg(test)]
mod tests {
    use super::fixture::{findings, zoo};
    use super::*;

    #[test]
    fn an_exception_allows_its_finding_and_no_more() {
        let mut tree = zoo();
        tree.put("shared/x/src/lib.rs", format!("//! x\n{}", "// x\n".repeat(300)));
        assert_eq!(findings(&tree).len(), 1);
        tree.put(EXCEPTIONS, "# path rule reason\nshared/x/src/lib.rs size a table of constants\n");
        assert_eq!(findings(&tree), Vec::<String>::new());
        tree.put("shared/x/src/lib.rs", "//! x\n");
        assert!(findings(&tree)[0].contains("exceptions.txt:2: shared/x/src/lib.rs no longer needs"));
    }

    #[test]
    fn an_exception_needs_a_known_rule_and_a_reason() {
        let mut tree = zoo();
        tree.put(EXCEPTIONS, "README.md link\nREADME.md lnik because\n");
        let findings = findings(&tree);
        assert!(findings[0].contains("needs a path, a rule and a reason"), "{findings:?}");
        assert!(findings[1].contains("there is no rule lnik"), "{findings:?}");
    }
}
