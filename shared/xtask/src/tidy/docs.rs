//! Documents name what there is, and their links lead somewhere.

use super::{Finding, found};
use crate::project::Project;
use crate::rows::Trigger;

/// The root README lists every system, each system's names every route, and there is a changelog.
pub(super) fn readmes(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    let catalogue = project.tree.text("README.md").unwrap_or_default();
    for system in &project.systems {
        let listed = |end| catalogue.contains(&format!("(functions/{}{end}", system.name));
        if ![")", "/)", "/README.md)"].into_iter().any(listed) {
            let remedy = format!("link functions/{} in its catalogue", system.name);
            findings.push(found("README.md", format!("it does not list {}", system.name), remedy));
        }
        let path = system.path("README.md");
        let Some(readme) = project.tree.text(&path) else {
            findings.push(found(path, "it is missing", "write purpose, endpoints, keys, events, limits and cost"));
            continue;
        };
        for row in system.rows() {
            if let Trigger::Http { method, path: route, .. } = &row.trigger
                && !readme.lines().any(|line| line.contains(method.as_str()) && mentions(line, route))
            {
                let remedy = format!("name `{method} {route}` among its endpoints");
                findings.push(found(&path, format!("it does not name the route of {}", row.handler), remedy));
            }
        }
    }
    if !project.tree.has("CHANGELOG.md") {
        findings.push(found("CHANGELOG.md", "it is missing", "write what changed for those who run this"));
    }
    findings
}

/// Whether `text` holds `path` and not only a longer one: `/links` is not in `/links/{code}`.
fn mentions(text: &str, path: &str) -> bool {
    let longer = |rest: &str| {
        let mut next = rest.chars();
        match next.next() {
            Some('/') => next.next().is_some_and(|c| c.is_alphanumeric() || c == '{'),
            Some(c) => c.is_alphanumeric() || matches!(c, '_' | '-' | '{'),
            None => false,
        }
    };
    text.match_indices(path).any(|(at, _)| !longer(&text[at + path.len()..]))
        && text.match_indices(path).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '}'))
}

/// Relative links of every document lead to a file or a folder.
pub(super) fn links(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in project.tree.all().filter(|(path, _)| path.ends_with(".md")) {
        for (line, link) in links_of(text) {
            let target = link.split('#').next().unwrap_or_default();
            if link.contains("://") || link.starts_with("mailto:") || target.is_empty() {
                continue;
            }
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            if !resolved(folder, target).is_some_and(|target| project.tree.has(&target)) {
                let remedy = "correct the path, or delete the link";
                findings.push(found(format!("{path}:{line}"), format!("the link {link} leads nowhere"), remedy));
            }
        }
    }
    findings
}

/// `[text](target)` and `[name]: target` outside of code.
fn links_of(text: &str) -> Vec<(usize, String)> {
    let (mut links, mut fenced) = (Vec::new(), false);
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("x");
        let inline = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        let reference = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        for target in inline.chain(reference) {
            let target = target.split_whitespace().next().unwrap_or_default();
            links.push((index + 1, target.trim_matches(['<', '>']).to_owned()));
        }
    }
    links
}

/// A path from a folder; `None` above the root.
fn resolved(folder: &str, target: &str) -> Option<String> {
    let from_root = target.starts_with('/');
    let mut parts: Vec<&str> = if from_root { Vec::new() } else { folder.split('/').collect() };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.retain(|part| !part.is_empty());
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{edited, findings, only, zoo};

    #[test]
    fn documents_name_systems_and_routes() {
        only(&edited("README.md", "[zoo](functions/zoo/README.md)", "zoo"), "README.md: it does not list zoo");
        only(
            &edited("functions/zoo/README.md", "/feed-cat", "/feed-cat/{id}"),
            "name `POST /feed-cat` among its endpoints",
        );
        let mut tree = zoo();
        tree.remove("CHANGELOG.md");
        only(&tree, "CHANGELOG.md: it is missing");
    }

    #[test]
    fn a_path_is_not_a_longer_path() {
        assert!(
            mentions("| `GET /links` |", "/links")
                && mentions("GET /links/", "/links")
                && mentions("GET /links?x", "/links")
        );
        assert!(!mentions("GET /links/{code}", "/links") && !mentions("GET /a/links", "/links"));
        assert!(mentions("GET|HEAD `/{code}`", "/{code}") && !mentions("GET /links/{code}/stats", "/{code}"));
    }

    #[test]
    fn links_lead_somewhere() {
        let mut tree = zoo();
        let good = "[a](../../README.md#top) [b](/functions/zoo) `[c](gone)` [d](https://x.example/y) [e](#here)";
        tree.put("shared/docs/X.md", format!("{good}\n```\n[f](gone)\n```\n[g]: X.md"));
        assert_eq!(findings(&tree), Vec::<String>::new());
        for gone in ["[a](gone.md)", "[a](../../../README.md)", "[a]: gone.md", "`x` [a](gone.md \"title\")"] {
            tree.put("shared/docs/X.md", gone);
            only(&tree, "shared/docs/X.md:1: the link");
        }
    }
}
