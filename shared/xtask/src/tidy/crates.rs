//! What may use what: systems stand beside each other, the domain stands alone, one crate speaks to Lambda.

use super::{Finding, found};
use crate::project::Project;
use crate::source::{code_of, line_of};

/// What a domain may not name, and how it gets it instead.
const IMPURE: [(&str, &str); 14] = [
    ("aws_", "do it in the handler or the store"),
    ("aws::", "do it in the handler or the store"),
    ("dynamo::", "do it in store.rs"),
    ("axum", "HTTP ends in the handler"),
    ("http::", "HTTP ends in the handler"),
    ("web::", "HTTP ends in the handler"),
    ("work::", "queues and events end in the handler"),
    ("runtime::", "the table of Lambdas is lib.rs's"),
    ("tokio", "a rule waits for nothing: take the value as an argument"),
    ("std::env", "take the setting as an argument"),
    ("env::var", "take the setting as an argument"),
    ("Clock", "take the time as an argument"),
    ("random::", "take the random value as an argument"),
    ("SystemTime", "take the time as an argument"),
];

/// The crates that a manifest depends on: `(line, name, the rest of the line)`.
fn dependencies_of(manifest: &str) -> Vec<(usize, &str, &str)> {
    let (mut names, mut inside) = (Vec::new(), false);
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies") && section != "workspace.dependencies";
            // A dependency may be a section of its own: [dependencies.serde].
            if let Some((kind, name)) = section.rsplit_once('.')
                && kind.ends_with("dependencies")
                && kind != "workspace.dependencies"
            {
                names.push((index + 1, name, ""));
            }
        } else if inside && !line.starts_with('#') {
            let end = line.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').unwrap_or(line.len());
            if end > 0 {
                names.push((index + 1, &line[..end], &line[end..]));
            }
        }
    }
    names
}

/// Neither a system nor a shared crate depends on a system.
pub(super) fn dependencies(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    let manifests = ["functions/", "shared/"].into_iter().flat_map(|folder| project.tree.below(folder));
    for (path, text) in manifests.filter(|(path, _)| path.ends_with("/Cargo.toml")) {
        for (line, name, rest) in dependencies_of(text) {
            if project.systems.iter().any(|system| system.name == name) || rest.contains("functions/") {
                let remedy = "systems meet through events and queues; what two need goes to shared/";
                findings.push(found(format!("{path}:{line}"), format!("it depends on the system {name}"), remedy));
            }
        }
    }
    findings
}

/// The domain imports no AWS, HTTP, tokio, environment, clock or randomness.
pub(super) fn domain(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in &project.systems {
        let prefix = system.path("src/domain");
        for (path, text) in project.tree.below(&prefix).filter(|(path, _)| path.ends_with(".rs")) {
            let code = code_of(text);
            for (name, remedy) in IMPURE {
                if let Some(at) = path_at(&code, name) {
                    let place = format!("{path}:{}", line_of(text, at));
                    let name = name.trim_end_matches("::");
                    findings.push(found(place, format!("the domain names {name}"), remedy));
                }
            }
        }
    }
    findings
}

/// Where a name begins that is not the end of a longer one.
fn path_at(code: &str, name: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).map(|(at, _)| at).find(|&at| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let begins = !before.chars().next_back().is_some_and(part);
        begins && (name.ends_with([':', '_']) || !after.chars().next().is_some_and(part))
    })
}

/// `shared/runtime` alone speaks to Lambda.
pub(super) fn lambda_runtime(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    let remedy = "shared/runtime alone speaks to Lambda: use runtime::Function or runtime::serve";
    for (path, text) in project.tree.all().filter(|(path, _)| !path.starts_with("shared/runtime/")) {
        let line = if path.ends_with(".rs") {
            path_at(&code_of(text), "lambda_runtime::").map(|at| line_of(text, at))
        } else if path.ends_with("/Cargo.toml") {
            dependencies_of(text).iter().find(|(_, name, _)| *name == "lambda_runtime").map(|(line, ..)| *line)
        } else {
            None
        };
        findings.extend(line.map(|line| found(format!("{path}:{line}"), "it uses lambda_runtime", remedy)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::tidy::fixture::{findings, only, zoo};

    #[test]
    fn systems_do_not_depend_on_systems() {
        for line in ["zoo.workspace = true", "zoo = { path = \"../zoo\" }", "x = { path = \"../../functions/x\" }"] {
            let mut tree = zoo();
            tree.put("shared/farm/Cargo.toml", format!("[dependencies]\nserde = \"1\"\n{line}\n"));
            only(&tree, "shared/farm/Cargo.toml:3: it depends on the system");
        }
        let mut tree = zoo();
        tree.put("shared/farm/Cargo.toml", "[dev-dependencies.zoo]\nworkspace = true\n");
        only(&tree, "shared/farm/Cargo.toml:1: it depends on the system zoo");
        tree.put("shared/farm/Cargo.toml", "[dependencies]\nzoology = \"1\"\n[package]\nzoo = 1\n");
        assert_eq!(findings(&tree), Vec::<String>::new());
    }

    #[test]
    fn the_domain_is_pure() {
        for impure in
            ["use types::{Clock, Instant};", "types::random::bytes()", "use aws_sdk_dynamodb::Client;", "http::Uri"]
        {
            let mut tree = zoo();
            tree.put("functions/zoo/src/domain/cat.rs", format!("//! Cats.\n{impure}"));
            only(&tree, "functions/zoo/src/domain/cat.rs:2: the domain names");
        }
        let mut tree = zoo();
        tree.put(
            "functions/zoo/src/domain/cat.rs",
            "//! Clock, tokio\nconst URL: &str = \"http::\"; // env::var\nfn clocked(Clocks: u8) {}",
        );
        assert_eq!(findings(&tree), Vec::<String>::new());
    }

    #[test]
    fn one_crate_speaks_to_lambda() {
        let mut tree = zoo();
        tree.put("shared/runtime/src/serve.rs", "use lambda_runtime::run;");
        assert_eq!(findings(&tree), Vec::<String>::new());
        tree.put("shared/x/src/lib.rs", "\nuse lambda_runtime::run;");
        only(&tree, "shared/x/src/lib.rs:2: it uses lambda_runtime");
        tree.put("shared/x/src/lib.rs", "");
        tree.put("shared/x/Cargo.toml", "[dependencies]\nlambda_runtime.workspace = true");
        only(&tree, "shared/x/Cargo.toml:2: it uses lambda_runtime");
    }
}
