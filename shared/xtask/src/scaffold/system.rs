//! A new system: a crate and a stack that deploy alone, with one route.

use anyhow::{Context as _, Result, ensure};

use super::edit::{insert_block, insert_sorted, resources};
use super::{Access, Route, fill, handler};
use crate::names::{camel, is_words, snake};
use crate::tree::Tree;

/// Where each file of a system goes, and its text.
const FILES: [(&str, &str); 10] = [
    ("functions/{{system}}/Cargo.toml", include_str!("../../templates/system/Cargo.toml.txt")),
    ("functions/{{system}}/README.md", include_str!("../../templates/system/README.md.txt")),
    ("functions/{{system}}/template.yaml", include_str!("../../templates/system/template.yaml.txt")),
    ("functions/{{system}}/src/main.rs", include_str!("../../templates/system/main.rs.txt")),
    ("functions/{{system}}/src/lib.rs", include_str!("../../templates/system/lib.rs.txt")),
    ("functions/{{system}}/src/domain.rs", include_str!("../../templates/system/domain.rs.txt")),
    ("functions/{{system}}/src/store.rs", include_str!("../../templates/system/store.rs.txt")),
    ("functions/{{system}}/src/handlers/check_health.rs", include_str!("../../templates/system/check_health.rs.txt")),
    ("tests/src/budgets/{{system_snake}}.rs", include_str!("../../templates/system/budgets.rs.txt")),
    ("tests/src/systems/{{system_snake}}.rs", include_str!("../../templates/system/tests.rs.txt")),
];

/// Writes a system into `tree` and into everything that lists systems.
///
/// # Errors
/// When the name is taken or no kebab-case noun, or a file that lists systems is not as it should be.
pub fn new_system(tree: &mut Tree, system: &str) -> Result<()> {
    ensure!(is_words(system, '-'), "{system:?} is no system's name: lower-case words joined by -");
    ensure!(!tree.has(&format!("functions/{system}")), "there is a system {system} already");
    let (snake, title) = (snake(system), camel(system));
    let values = [("system", system), ("system_snake", &snake), ("System", &title)];
    for (path, text) in FILES {
        tree.put(fill(path, &values), fill(text, &values));
    }
    let routes = [
        ("check_health", "/health"),
        ("get_openapi", "/openapi.json"),
        ("get_docs", "/docs"),
        ("reject_request", "/nowhere"),
    ];
    for (name, path) in routes {
        let route = Route::Http { method: "GET".to_owned(), path: path.to_owned(), access: Access::Public };
        tree.put(format!("events/{system}/{name}.json"), handler::sample(system, name, &route));
    }
    list(tree, system)
}

fn list(tree: &mut Tree, system: &str) -> Result<()> {
    let cargo = tree.require("Cargo.toml")?;
    let line = format!("{system} = {{ path = \"functions/{system}\" }}");
    let listed = after_last(cargo, |line| line.contains("path = \"functions/"), &line);
    let listed = listed.or_else(|| insert_sorted(cargo, "[workspace.dependencies]", &line));
    let listed = listed.context("Cargo.toml has no [workspace.dependencies]")?;
    tree.put("Cargo.toml", listed);

    let cargo = tree.require("tests/Cargo.toml")?;
    let sections = ["[dev-dependencies]", "[dependencies]"];
    let listed =
        sections.iter().find_map(|section| insert_sorted(cargo, section, &format!("{system}.workspace = true")));
    tree.put("tests/Cargo.toml", listed.context("tests/Cargo.toml has no [dev-dependencies]")?);

    for modules in ["tests/src/budgets/mod.rs", "tests/src/systems/mod.rs"] {
        let text = tree.require(modules)?;
        let line = format!("mod {};", snake(system));
        let is_module = |line: &str| line.starts_with("mod ") && line.ends_with(';');
        let listed = match text.lines().find(|other| is_module(other) && *other > line.as_str()) {
            Some(next) => text.replacen(next, &format!("{line}\n{next}"), 1),
            None => after_last(text, is_module, &line).unwrap_or_else(|| format!("{}\n\n{line}\n", text.trim_end())),
        };
        tree.put(modules, listed);
    }

    let template = tree.require("template.yaml")?;
    let application = fill(
        include_str!("../../templates/system/application.yaml.txt"),
        &[
            ("system", system),
            ("System", &camel(system)),
            ("depends", if template.contains("\n  Identity:") { "\n    DependsOn: Identity" } else { "" }),
        ],
    );
    let end = resources(template).last().map_or(template.lines().count(), |(.., end)| *end);
    tree.put("template.yaml", insert_block(template, end, &application));

    let readme = tree.require("README.md")?;
    let is_row = |line: &str| line.starts_with('|') && line.contains("](functions/");
    // What stands behind the first two columns is the same for every system of a version.
    let rest = readme.lines().rfind(|line| is_row(line)).and_then(|row| row.splitn(4, '|').nth(3)).unwrap_or_default();
    let row = format!("| [{system}](functions/{system}/README.md) | what it is for |{rest}");
    let listed = after_last(readme, is_row, &row).or_else(|| after_last(readme, |line| line.starts_with("|---"), &row));
    tree.put("README.md", listed.context("README.md has no catalogue: a table with a row for each system")?);
    Ok(())
}

fn after_last(text: &str, is_it: impl Fn(&str) -> bool, line: &str) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|line| is_it(line))?;
    lines.insert(last + 1, line);
    Some(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use crate::scaffold::{Access, Route, new_handler, new_system};
    use crate::tidy::fixture::{findings, zoo};

    #[test]
    fn a_system_is_listed_everywhere() {
        let mut tree = zoo();
        new_system(&mut tree, "ant-farm").unwrap();
        assert_eq!(findings(&tree), Vec::<String>::new());
        for (path, line) in [
            ("Cargo.toml", "\nant-farm = { path = \"functions/ant-farm\" }\n"),
            ("tests/Cargo.toml", "\nant-farm.workspace = true\n"),
            ("tests/src/systems/mod.rs", "\nmod ant_farm;\nmod zoo;\n"),
            ("tests/src/budgets/mod.rs", "\nmod ant_farm;\nmod zoo;\n"),
            ("template.yaml", "\n  AntFarm:\n    Type: AWS::Serverless::Application\n"),
            ("README.md", "| [ant-farm](functions/ant-farm/README.md) | what it is for | 0.1.0 |\n"),
        ] {
            assert!(tree.text(path).unwrap().contains(line), "{path}: {}", tree.text(path).unwrap());
        }
        for (path, text) in tree.all() {
            let left = text.replace("{{resolve:", "").contains("{{");
            assert!(!left, "a placeholder is left in {path}: {text}");
        }
    }

    #[test]
    fn names_are_checked_and_nothing_is_made_twice() {
        let mut tree = zoo();
        for name in ["zoo", "Zoo", "ant_farm", "", "../x"] {
            assert!(new_system(&mut tree, name).is_err(), "{name}");
        }
        let get = |path: &str| Route::Http { method: "GET".into(), path: path.into(), access: Access::Public };
        for (system, name, route) in [
            ("zoo", "check_health", get("/x")),
            ("zoo", "get-cat", get("/x")),
            ("zoo", "get_cat", get("/health")),
            ("zoo", "get_cat", get("cats")),
            ("farm", "get_cat", get("/x")),
            ("zoo", "count", Route::Queue("Dogs".into())),
        ] {
            assert!(new_handler(&mut tree, system, name, &route).is_err(), "{system} {name} {route:?}");
        }
    }

    #[test]
    fn a_second_stream_and_a_queue_of_the_same_name_share_what_is_there() {
        let mut tree = zoo();
        new_handler(&mut tree, "zoo", "count_cats", &Route::Stream).unwrap();
        let template = tree.text("functions/zoo/template.yaml").unwrap();
        assert_eq!(template.matches("\n  ChangesDead:").count(), 1);
        assert_eq!(template.matches("StreamSpecification").count(), 1);
        assert_eq!(findings(&tree), Vec::<String>::new());
    }
}
