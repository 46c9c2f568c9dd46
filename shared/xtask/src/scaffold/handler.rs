//! A new Lambda: its five files.

use anyhow::{Context as _, Result, bail, ensure};

use super::edit::{insert_block, resources};
use super::lib_file::{imports, with_import, with_module, with_row};
use super::{Access, Route, fill};
use crate::names::{camel, is_words, kebab, snake, word_at};
use crate::project::Project;
use crate::rows;
use crate::template::Template;
use crate::tree::Tree;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Writes the five files of a Lambda into `tree`.
///
/// # Errors
/// When the name is taken or no `verb_noun`, or the system's files are not as they should be.
pub fn new_handler(tree: &mut Tree, system: &str, handler: &str, route: &Route) -> Result<()> {
    check(tree, system, handler, route)?;
    let names = Names { system, handler, route };
    let file = format!("functions/{system}/src/handlers/{handler}.rs");
    tree.put(
        file,
        names.fill(names.pick(
            include_str!("../../templates/http.rs.txt"),
            include_str!("../../templates/queue.rs.txt"),
            include_str!("../../templates/stream.rs.txt"),
            include_str!("../../templates/schedule.rs.txt"),
            include_str!("../../templates/invoke.rs.txt"),
        )),
    );
    add_row(tree, &names)?;
    add_block(tree, &names)?;
    tree.put(format!("events/{system}/{handler}.json"), sample(system, handler, route));
    let modules =
        ["tests/src/systems/{}.rs", "tests/src/systems/{}/mod.rs"].map(|file| file.replace("{}", &snake(system)));
    let scenarios = modules.iter().find(|file| tree.has(file)).unwrap_or(&modules[0]).clone();
    let text = tree.require(&scenarios)?.trim_end();
    let scenario = names.fill(names.pick(
        include_str!("../../templates/http.test.txt"),
        include_str!("../../templates/queue.test.txt"),
        include_str!("../../templates/stream.test.txt"),
        include_str!("../../templates/schedule.test.txt"),
        include_str!("../../templates/invoke.test.txt"),
    ));
    tree.put(scenarios, format!("{text}\n\n{scenario}"));
    Ok(())
}

/// A sample event.
pub(super) fn sample(system: &str, handler: &str, route: &Route) -> String {
    let names = Names { system, handler, route };
    names.fill(names.pick(
        include_str!("../../templates/http.json.txt"),
        include_str!("../../templates/queue.json.txt"),
        include_str!("../../templates/stream.json.txt"),
        include_str!("../../templates/schedule.json.txt"),
        include_str!("../../templates/invoke.json.txt"),
    ))
}

fn check(tree: &Tree, system: &str, handler: &str, route: &Route) -> Result<()> {
    ensure!(is_words(handler, '_'), "{handler:?} is no verb_noun: lower-case words joined by _");
    let lib = format!("functions/{system}/src/lib.rs");
    ensure!(tree.has(&lib), "{lib} is missing: the systems are {}", tree.folders("functions").join(", "));
    let rows = rows::read(tree.require(&lib)?).with_context(|| lib.clone())?;
    ensure!(rows.rows.iter().all(|row| row.handler != handler), "{lib} has a row {handler} already");
    ensure!(
        tree.require(&lib)?.contains("Method") || !matches!(route, Route::Http { .. }),
        "{lib} has no HTTP routes yet"
    );
    match route {
        Route::Http { method, path, .. } => {
            ensure!(METHODS.contains(&method.as_str()), "{method} is not one of {}", METHODS.join(", "));
            ensure!(path.starts_with('/') && !path.contains(char::is_whitespace), "{path:?} is no path");
            for row in &rows.rows {
                if let rows::Trigger::Http { method: other, path: at, .. } = &row.trigger {
                    ensure!((other, at) != (method, path), "{method} {path} is the route of {} already", row.handler);
                }
            }
        }
        Route::Queue(name) => {
            ensure!(is_words(name, '-'), "{name:?} is no name of a queue: lower-case words joined by -")
        }
        Route::Stream | Route::Schedule | Route::Invoke => {}
    }
    let project = Project::of(tree.clone());
    match project.systems.iter().find(|known| known.name == system).map(|known| &known.template) {
        Some(Ok(_)) => Ok(()),
        Some(Err(why)) => bail!("functions/{system}/template.yaml cannot be read: {why}"),
        None => bail!("there is no system {system}"),
    }
}

/// The noun of the scopes that a system's routes name; its own name where none names one yet.
pub fn scope_noun(tree: &Tree, system: &str) -> String {
    let lib = tree.require(&format!("functions/{system}/src/lib.rs")).unwrap_or_default();
    let noun = lib.split_once("Scope(\"").and_then(|(_, rest)| rest.split_once(':')).map(|(noun, _)| noun);
    noun.unwrap_or(system).to_owned()
}

struct Names<'a> {
    system: &'a str,
    handler: &'a str,
    route: &'a Route,
}

impl Names<'_> {
    fn pick<T>(&self, http: T, queue: T, stream: T, schedule: T, invoke: T) -> T {
        match self.route {
            Route::Http { .. } => http,
            Route::Queue(_) => queue,
            Route::Stream => stream,
            Route::Schedule => schedule,
            Route::Invoke => invoke,
        }
    }

    fn fill(&self, text: &str) -> String {
        let (method, path, access) = match self.route {
            Route::Http { method, path, access } => (method.as_str(), path.as_str(), Some(access)),
            _ => ("", "", None),
        };
        let queue = if let Route::Queue(name) = self.route { name.as_str() } else { "" };
        let public = access == Some(&Access::Public);
        // A sample's path parameters, and a scenario's: `/cats/{id}` as `/cats/id-1`.
        let sample = path.replace('{', "").replace('}', "-1");
        let yaml_path = if path.contains('{') { format!("\"{path}\"") } else { path.to_owned() };
        let authorizer = match access {
            Some(Access::Scope(scope)) => {
                fill(include_str!("../../templates/authorizer.json.txt"), &[("scope", scope)])
            }
            _ => String::new(),
        };
        let authorizer = authorizer.trim_end().to_owned();
        let auth = if public { ", Auth: {Authorizer: NONE}" } else { "" };
        // What answers GET answers HEAD, and the gateway routes each method by itself.
        let head = "\n        Head: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: HEAD, Path: ";
        let head = if method == "GET" { format!("{head}{yaml_path}{auth}}}}}") } else { String::new() };
        fill(
            text,
            &[
                ("system", self.system),
                ("system_snake", &snake(self.system)),
                ("handler", self.handler),
                ("handler_kebab", &kebab(self.handler)),
                ("Handler", &camel(self.handler)),
                ("METHOD", method),
                ("path", path),
                ("sample_path", &sample),
                ("yaml_path", &yaml_path),
                ("authorizer", &authorizer),
                ("auth", auth),
                ("head", &head),
                ("body", if ["GET", "DELETE", ""].contains(&method) { "" } else { " {}" }),
                ("who", if public { "anon" } else { "alice" }),
                ("queue", queue),
                ("Queue", &camel(queue)),
            ],
        )
    }
}

fn add_row(tree: &mut Tree, names: &Names<'_>) -> Result<()> {
    let lib = format!("functions/{}/src/lib.rs", names.system);
    let mut text = tree.require(&lib)?.to_owned();
    let modules = ["src/handlers/mod.rs", "src/handlers.rs"].map(|file| format!("functions/{}/{file}", names.system));
    match modules.iter().find(|file| tree.has(file)) {
        Some(file) => tree.put(file.as_str(), with_module(tree.require(file)?, names.handler)?),
        None => text = with_module(&text, names.handler)?,
    }
    let (text, handle) = with_import(&text, names.handler);
    let web = |name: &str| if imports(&text, name) { name.to_owned() } else { format!("web::{name}") };
    let handler = names.handler;
    let endpoint = if imports(&text, "endpoint") { "endpoint" } else { "runtime::endpoint" };
    let row = match names.route {
        Route::Http { method, path, access } => {
            let access = match access {
                Access::Public => format!("{}::Public", web("Access")),
                Access::Scope(scope) => format!("{}::Scope(\"{scope}\")", web("Access")),
            };
            format!(".http(\"{handler}\", {}::{method}, \"{path}\", {access}, {endpoint}!({handler}))", web("Method"))
        }
        Route::Queue(queue) => format!(".queue(\"{handler}\", \"{queue}\", {handle})"),
        Route::Stream => format!(".stream(\"{handler}\", {handle})"),
        Route::Schedule => format!(".schedule(\"{handler}\", {handle})"),
        Route::Invoke => format!(".invoke(\"{handler}\", {handle})"),
    };
    tree.put(lib, with_row(&text, &row)?);
    Ok(())
}

/// The function behind the last function, and what a queue or a stream needs besides where such things stand.
fn add_block(tree: &mut Tree, names: &Names<'_>) -> Result<()> {
    let path = format!("functions/{}/template.yaml", names.system);
    let mut text = tree.require(&path)?.to_owned();
    let dead = match names.route {
        Route::Queue(queue) => Some((camel(queue), include_str!("../../templates/queues.yaml.txt"))),
        Route::Stream => Some(("ChangesDead".to_owned(), include_str!("../../templates/changes.yaml.txt"))),
        _ => None,
    };
    let mut block = names.fill(names.pick(
        include_str!("../../templates/http.yaml.txt"),
        include_str!("../../templates/queue.yaml.txt"),
        include_str!("../../templates/stream.yaml.txt"),
        include_str!("../../templates/schedule.yaml.txt"),
        include_str!("../../templates/invoke.yaml.txt"),
    ));
    if let Some((id, queues)) = dead
        && !resources(&text).iter().any(|(known, ..)| *known == id)
    {
        let (queues, alarm) = queues.split_once("---\n").context("a template of queues has its alarm behind ---")?;
        let before = resources(&text).into_iter().find(|(id, ..)| ["Logs", "Api"].contains(&id.as_str()));
        let (_, at, _) = before.with_context(|| format!("{path} has neither Logs nor Api"))?;
        text = insert_block(&text, at, &names.fill(queues));
        block = format!("{block}\n{}", names.fill(alarm));
    }
    if let Route::Http { method, .. } = names.route {
        text = with_cors(&text, method);
    }
    if *names.route == Route::Stream && !text.contains("StreamSpecification") {
        let billing = "      BillingMode: PAY_PER_REQUEST\n";
        ensure!(text.contains(billing), "{path}: give Table a StreamSpecification first");
        text = text.replacen(
            billing,
            &format!("{billing}      StreamSpecification: {{StreamViewType: NEW_AND_OLD_IMAGES}}\n"),
            1,
        );
    }
    let template = Template::parse(&text)?;
    let functions: Vec<&str> = template.functions().iter().map(|function| function.id).collect();
    let last = resources(&text).into_iter().rfind(|(id, ..)| functions.contains(&id.as_str()));
    let (.., end) = last.with_context(|| format!("{path} has no function yet"))?;
    tree.put(path, insert_block(&text, end, &block));
    Ok(())
}

/// Browsers ask the gateway which methods other origins may use.
fn with_cors(text: &str, method: &str) -> String {
    let allow = |line: &str| match line.trim_start().strip_prefix("AllowMethods: [") {
        Some(methods) if word_at(methods, method).is_none() => line.replace(']', &format!(", {method}]")),
        _ => line.to_owned(),
    };
    text.lines().map(|line| allow(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::with_cors;

    #[test]
    fn cors_learns_a_method_once() {
        let text = "Cors:\n  AllowMethods: [GET, POST]\n";
        assert_eq!(with_cors(text, "PATCH"), "Cors:\n  AllowMethods: [GET, POST, PATCH]\n");
        assert_eq!(with_cors(text, "POST"), text);
    }
}
