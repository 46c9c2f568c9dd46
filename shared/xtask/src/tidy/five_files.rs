//! A Lambda is five files: its row, its handler, its block in the template, its sample event, its test. None is missing
//! and none is left over.

use super::{Finding, found};
use crate::names::{camel, kebab, word_at};
use crate::project::{Project, System};
use crate::rows::{Row, Trigger};

/// What could not be parsed, so that no other rule looks at it.
pub(super) fn readable(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in &project.systems {
        if let Some(Err(why)) = &system.rows {
            let remedy = "write pub fn system() as System::named(…) and one builder call per Lambda, with literals";
            findings.push(found(system.path("src/lib.rs"), format!("its rows cannot be read ({why})"), remedy));
        }
        if let Err(why) = &system.template {
            findings.push(found(
                system.path("template.yaml"),
                format!("it cannot be read ({why})"),
                "make it a template",
            ));
        }
    }
    for (path, text) in project.tree.below("events/").filter(|(path, _)| path.ends_with(".json")) {
        if let Err(why) = serde_json::from_str::<serde_json::Value>(text) {
            findings.push(found(path, format!("it is not JSON ({why})"), "make it the event that Lambda would get"));
        }
    }
    findings
}

/// Every row has its four other files.
pub(super) fn complete(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in &project.systems {
        for row in system.rows() {
            let mut missing = |place: String, wrong: &str, remedy: String| {
                findings.push(found(place, format!("the row {} {wrong}", row.handler), remedy));
            };
            let handler = handler_file(system, row);
            if !row.built_in && !project.tree.has(&handler) {
                missing(system.path("src/lib.rs"), "has no handler file", format!("write {handler}"));
            }
            if let Ok(template) = &system.template
                && !template
                    .functions()
                    .iter()
                    .any(|function| function.text(&["Handler"]).as_ref() == Some(&row.handler))
            {
                let remedy =
                    format!("add {} (AWS::Serverless::Function, Handler: {})", camel(&row.handler), row.handler);
                missing(system.path("template.yaml"), "has no function here", remedy);
            }
            let event = format!("events/{}/{}.json", system.name, row.handler);
            if !project.tree.has(&event) {
                missing(event, "has no sample event", "write this file: an event as Lambda gets it".to_owned());
            }
            let scenarios = format!("tests/src/systems/{}", system.snake());
            let is_test = |path: &str| ["tests/src/cloud", &scenarios].iter().any(|place| is_module(path, place));
            let tests = project.tree.below("tests/src/").filter(|(path, _)| is_test(path));
            if !tests.into_iter().any(|(_, text)| tests_row(text, row, system.rows())) {
                let remedy = format!("write a scenario here that calls it, or name {} in tests/src/cloud", row.handler);
                missing(format!("{scenarios}.rs"), "is in no test", remedy);
            }
        }
    }
    findings
}

/// What is tested of every system is tested of this one.
pub(super) fn in_tests_of_all(project: &Project) -> Vec<Finding> {
    const TESTS: [(&str, &str); 4] = [
        ("tests/src/samples.rs", "every sample is taken"),
        ("tests/src/documents.rs", "the document of each API"),
        ("tests/src/cloud/access.rs", "the access matrix"),
        ("tests/src/cloud/mod.rs", "every Lambda has run"),
    ];
    let mut findings = Vec::new();
    for system in project.systems.iter().filter(|system| !system.rows().is_empty()) {
        for (path, what) in TESTS {
            let named = |text: &str| text.contains(&format!("{}::system", system.snake()));
            if project.tree.text(path).is_some_and(|text| !named(text)) {
                let remedy = format!("add {}::system() beside the others", system.snake());
                findings.push(found(path, format!("{} is not in it: {what}", system.name), remedy));
            }
        }
        let (budgets, module) = ("tests/src/budgets/mod.rs", format!("mod {};", system.snake()));
        if project.tree.text(budgets).is_some_and(|text| !text.lines().any(|line| line.ends_with(&module))) {
            let remedy = format!("add {module} with a scenario of what its operations cost");
            findings.push(found(budgets, format!("{} is not in it: every Lambda has a budget", system.name), remedy));
        }
    }
    findings
}

/// Whether a test names the row's handler or, in a scenario's line, calls its route.
fn tests_row(text: &str, row: &Row, rows: &[Row]) -> bool {
    // A row of the access matrix says how a route is called, not what it does.
    let says = |line: &str| !line.trim_start().starts_with("case(") && word_at(line, &row.handler).is_some();
    if text.lines().any(says) {
        return true;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).any(|pair| match &row.trigger {
        Trigger::Http { method, .. } => pair[0] == method && routed(method, pair[1], rows) == Some(row),
        Trigger::Unrouted => {
            let problem = pair[1].trim_end_matches(['"', ',']);
            [("404", "no-such-route"), ("405", "method-not-allowed")].contains(&(pair[0], problem))
        }
        _ => false,
    })
}

/// The row that a request goes to: of the paths that fit, the one with the fewest parameters.
fn routed<'a>(method: &str, target: &str, rows: &'a [Row]) -> Option<&'a Row> {
    let target = target.split(['?', '"', ',']).next().unwrap_or_default();
    let fitting = rows.iter().filter_map(|row| match &row.trigger {
        Trigger::Http { method: own, path, .. } if own == method => {
            let (own, asked): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), target.split('/').collect());
            let fits = own.iter().zip(&asked).all(|(own, asked)| own.starts_with('{') || own == asked);
            let greedy = path.ends_with("+}") && own.len() <= asked.len();
            let rank = path.matches('{').count() + if greedy { 100 } else { 0 };
            (fits && (greedy || own.len() == asked.len())).then_some((rank, row))
        }
        _ => None,
    });
    fitting.min_by_key(|(parameters, _)| *parameters).map(|(_, row)| row)
}

/// Whether `path` is the module `place`: the file, or a file in its folder.
fn is_module(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn handler_file(system: &System, row: &Row) -> String {
    system.path(&format!("src/handlers/{}.rs", row.handler))
}

/// Every handler file, function and sample event has a row.
pub(super) fn orphans(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in project.systems.iter().filter(|system| matches!(system.rows, None | Some(Ok(_)))) {
        let has_row = |handler: &str| system.rows().iter().any(|row| row.handler == handler);
        let mut orphan = |place: String, handler: &str| {
            let remedy = format!("add its row to {} or delete it", system.path("src/lib.rs"));
            findings.push(found(place, format!("{handler} has no row"), remedy));
        };
        let folder = system.path("src/handlers/");
        for (path, _) in project.tree.below(&folder) {
            let stem = path[folder.len()..].split(['/', '.']).next().unwrap_or_default();
            if stem != "mod" && !has_row(stem) {
                orphan(path.to_owned(), stem);
            }
        }
        for function in system.template.iter().flat_map(|template| template.functions()) {
            let handler = function.text(&["Handler"]).unwrap_or_else(|| function.id.to_owned());
            if !has_row(&handler) {
                orphan(system.path(&format!("template.yaml#{}", function.id)), &handler);
            }
        }
        let folder = format!("events/{}/", system.name);
        let events = project.tree.text(&system.path("src/events.rs")).unwrap_or_default();
        for (path, _) in project.tree.below(&folder) {
            let stem = path[folder.len()..].split('.').next().unwrap_or_default();
            // A sample of what the system publishes is called after the event: consumers decode it in their tests.
            if !has_row(stem) && word_at(events, stem).is_none() {
                orphan(path.to_owned(), stem);
            }
        }
    }
    for folder in project.tree.folders("events") {
        if !project.systems.iter().any(|system| system.name == folder) {
            findings.push(found(format!("events/{folder}"), "there is no such system", "delete or rename the folder"));
        }
    }
    findings
}

/// A handler's first line says what invokes it: the only documentation that a reader of `ls handlers` needs.
pub(super) fn first_lines(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for system in &project.systems {
        for row in system.rows() {
            let file = handler_file(system, row);
            let Some(text) = project.tree.text(&file) else { continue };
            let expected = match &row.trigger {
                Trigger::Http { method, path, .. } => format!("//! {method} {path}: "),
                _ => "//! ".to_owned(),
            };
            let first = text.lines().next().unwrap_or_default();
            // `//! GET and HEAD /{code}: …` says it too.
            let says = match &row.trigger {
                Trigger::Http { method, path, .. } => first.contains(method) && first.contains(&format!(" {path}: ")),
                _ => true,
            };
            if !first.starts_with("//! ") || !says {
                let remedy = format!("begin it with `{expected}…`, saying what {} does", kebab(&row.handler));
                findings.push(found(format!("{file}:1"), "its first line does not say what it is", remedy));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{edited, findings, only, zoo};

    #[test]
    fn each_of_the_five_files_is_missed() {
        for (path, message) in [
            (
                "functions/zoo/src/handlers/feed_cat.rs",
                "has no handler file: write functions/zoo/src/handlers/feed_cat.rs",
            ),
            ("events/zoo/feed_cat.json", "events/zoo/feed_cat.json: the row feed_cat has no sample event"),
        ] {
            let mut tree = zoo();
            tree.remove(path);
            only(&tree, message);
        }
        let scenarios = "tests/src/systems/zoo.rs";
        only(&edited(scenarios, "POST /feed-cat", "POST /feed"), "the row feed_cat is in no test");
        only(&edited(scenarios, "queue count_meals", "queue count"), "the row count_meals is in no test");
        let template =
            findings(&edited("functions/zoo/template.yaml", "Handler: feed_cat", "Handler: feed_dog")).join("\n");
        assert!(template.contains("the row feed_cat has no function here: add FeedCat"), "{template}");
        assert!(template.contains("template.yaml#FeedCat: feed_dog has no row"), "{template}");
        let rows =
            findings(&edited("functions/zoo/src/lib.rs", ".http(\"feed_cat\"", ".left_out(\"feed_cat\"")).join("\n");
        for orphan in ["handlers/feed_cat.rs", "template.yaml#FeedCat", "events/zoo/feed_cat.json"] {
            assert!(rows.contains(&format!("{orphan}: feed_cat has no row")), "{rows}");
        }
    }

    #[test]
    fn a_row_of_the_access_matrix_is_no_scenario() {
        let case = "\n    case(\"feed_cat\", \"/feed-cat\", None, 200, 404),\n// POST /feed";
        only(&edited("tests/src/systems/zoo.rs", "POST /feed-cat", case), "the row feed_cat is in no test");
    }

    #[test]
    fn a_system_is_in_the_tests_of_all_systems() {
        let mut tree = zoo();
        tree.put("tests/src/samples.rs", "zoo::system, keepers::system".to_owned());
        assert!(!findings(&tree).join("\n").contains("every sample"));
        tree.put("tests/src/samples.rs", "keepers::system".to_owned());
        only(&tree, "tests/src/samples.rs: zoo is not in it: every sample is taken: add zoo::system()");
        only(
            &edited("tests/src/budgets/mod.rs", "mod zoo;", "mod ozo;"),
            "budgets/mod.rs: zoo is not in it: every Lambda",
        );
    }

    #[test]
    fn a_request_goes_to_the_most_specific_route() {
        let route = |handler: &str, path: &str| Row {
            handler: handler.to_owned(),
            trigger: Trigger::Http { method: "GET".to_owned(), path: path.to_owned(), public: true },
            built_in: false,
            start: 0,
        };
        let rows = [route("get", "/cats/{id}"), route("health", "/cats/health"), route("any", "/{a}/{b}")];
        for (target, handler) in [("/cats/$id", "get"), ("/cats/health?x", "health"), ("/dogs/1\",", "any")] {
            assert_eq!(routed("GET", target, &rows).map(|row| row.handler.as_str()), Some(handler));
        }
        assert_eq!(routed("PUT", "/cats/1", &rows).or(routed("GET", "/cats", &rows)), None);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        only(&edited("events/zoo/feed_cat.json", "{", "[{"), "events/zoo/feed_cat.json: it is not JSON");
        only(&edited("functions/zoo/template.yaml", "Resources:", "Resources: ]"), "it cannot be read (it is not YAML");
        let lib = findings(&edited("functions/zoo/src/lib.rs", "System::named", "system_named")).join("\n");
        assert!(lib.contains("its rows cannot be read (it has no System::named"), "{lib}");
    }

    #[test]
    fn samples_of_other_things_are_orphans_unless_published() {
        let mut tree = zoo();
        tree.put("events/zoo/CatFed.json", "{}");
        only(&tree, "CatFed has no row");
        tree.put("functions/zoo/src/events.rs", "const TYPE: &str = \"CatFed\";");
        assert_eq!(findings(&tree), Vec::<String>::new());
        tree.put("events/ozo/x.json", "{}");
        only(&tree, "events/ozo: there is no such system");
    }

    #[test]
    fn a_handler_says_its_route() {
        let path = "functions/zoo/src/handlers/feed_cat.rs";
        only(&edited(path, "//! POST /feed-cat: ", "//! GET /feed-cat: "), "begin it with `//! POST /feed-cat: …`");
    }
}
