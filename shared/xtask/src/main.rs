//! `cargo run -p xtask -- --help`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result};
use clap::{Args, Parser};
use xtask::scaffold::{self, Access, Route};
use xtask::{Finding, Project, Tree};

/// The project's own tools.
#[derive(Parser)]
enum Xtask {
    /// Says which of the project's rules are broken
    Tidy,
    /// Says which permissions are missing or never used, by what a run of all tests saw
    Policies {
        /// Folder of the lines that were seen: `system/handler action name`
        seen: PathBuf,
    },
    /// Writes a system that compiles and deploys alone
    NewSystem {
        /// A kebab-case noun
        name: String,
    },
    /// Writes the five files of a Lambda
    NewHandler(NewHandler),
}

#[derive(Args)]
struct NewHandler {
    /// A folder of functions/
    system: String,
    /// `verb_noun`
    name: String,
    #[command(flatten)]
    kind: Kind,
    /// Scope that callers need (default: <system>:write, or :read for GET)
    #[arg(long, conflicts_with_all = ["public", "queue", "stream", "schedule", "invoke"])]
    scope: Option<String>,
    /// Anybody may call
    #[arg(long, conflicts_with_all = ["queue", "stream", "schedule", "invoke"])]
    public: bool,
}

#[derive(Args)]
#[group(multiple = false)]
struct Kind {
    /// Method and path (default: POST and the handler's name)
    #[arg(long, value_name = "GET /PATH")]
    http: Option<String>,
    /// Worker of this queue of the system
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Worker of the table's stream
    #[arg(long)]
    stream: bool,
    /// Worker of a schedule
    #[arg(long)]
    schedule: bool,
    /// Invoked directly
    #[arg(long)]
    invoke: bool,
}

impl NewHandler {
    /// The scope's noun is the one that the system's other routes use.
    fn route(&self, tree: &Tree) -> Result<Route> {
        Ok(match &self.kind {
            Kind { queue: Some(name), .. } => Route::Queue(name.clone()),
            Kind { stream: true, .. } => Route::Stream,
            Kind { schedule: true, .. } => Route::Schedule,
            Kind { invoke: true, .. } => Route::Invoke,
            Kind { http, .. } => {
                let own = format!("POST /{}", xtask::names::kebab(&self.name));
                let (method, path) = http.as_ref().unwrap_or(&own).split_once(' ').context("--http \"GET /path\"")?;
                let method = method.to_ascii_uppercase();
                let verb = if method == "GET" { "read" } else { "write" };
                let noun = scaffold::scope_noun(tree, &self.system);
                let scope = self.scope.clone().unwrap_or_else(|| format!("{noun}:{verb}"));
                let access = if self.public { Access::Public } else { Access::Scope(scope) };
                Route::Http { method, path: path.trim().to_owned(), access }
            }
        })
    }
}

fn main() -> ExitCode {
    match run(&Xtask::parse()) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(task: &Xtask) -> Result<ExitCode> {
    let root = xtask::root()?;
    let before = Tree::read(&root)?;
    let mut tree = before.clone();
    match task {
        Xtask::Tidy => {
            return Ok(report(&xtask::tidy(&Project::of(before))));
        }
        Xtask::Policies { seen } => {
            return Ok(report(&xtask::policies(&Project::of(before), &read_all(seen)?)));
        }
        Xtask::NewSystem { name } => scaffold::new_system(&mut tree, name)?,
        Xtask::NewHandler(new) => {
            let route = new.route(&tree)?;
            scaffold::new_handler(&mut tree, &new.system, &new.name, &route)?;
        }
    }
    format_changed(&mut tree, &before)?;
    for path in tree.write(&before, &root)? {
        say(&format!("wrote {path}"));
    }
    match task {
        Xtask::NewSystem { name } => {
            // Every other command builds with --locked, so the new crate has to be in the lock.
            let lock = Command::new("cargo")
                .args(["update", "--workspace", "--offline", "--quiet"])
                .current_dir(&root)
                .status();
            if !lock.is_ok_and(|status| status.success()) {
                say("Cargo.lock does not know the new crate yet: run `cargo update --workspace`");
            }
            say(&format!(
                "next: say what it is for in functions/{name}/README.md, template.yaml, src/lib.rs and README.md,"
            ));
            say("      and run `make budgets`");
        }
        Xtask::NewHandler(new) => {
            let scenarios = format!("tests/src/systems/{}.rs", xtask::names::snake(&new.system));
            say(&format!(
                "next: write {}_is_written in {scenarios}, then the handler and the IAM statements it needs;",
                new.name
            ));
            say(&format!(
                "      name its route in functions/{}/README.md, call it with a `budget` line behind it in",
                new.system
            ));
            say(&format!("      tests/src/budgets/{}.rs, and run `make budgets`", xtask::names::snake(&new.system)));
        }
        Xtask::Tidy | Xtask::Policies { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn report(findings: &[Finding]) -> ExitCode {
    findings.iter().for_each(|finding| say(&finding.to_string()));
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the worlds of the tests (one file each) and the deployed functions were seen to do.
fn read_all(folder: &Path) -> Result<String> {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        text += &std::fs::read_to_string(entry?.path())?;
    }
    let deployed = std::fs::read_to_string(folder.join("deployed.txt")).unwrap_or_default();
    anyhow::ensure!(!deployed.is_empty(), "no deployed function was seen in {}: run `make test`", folder.display());
    Ok(text)
}

/// The names of a system decide where lines break, so what was written is formatted as `make fmt` wants it.
fn format_changed(tree: &mut Tree, before: &Tree) -> Result<()> {
    let changed = tree.all().filter(|(path, text)| path.ends_with(".rs") && before.text(path) != Some(text));
    let changed: Vec<(String, String)> = changed.map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    for (path, text) in changed {
        let mut rustfmt = Command::new("rustfmt")
            .args(["--edition", "2024", "--config", "max_width=120,use_small_heuristics=Max"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting rustfmt")?;
        rustfmt.stdin.take().context("rustfmt takes no input")?.write_all(text.as_bytes())?;
        let output = rustfmt.wait_with_output()?;
        anyhow::ensure!(output.status.success(), "rustfmt cannot read {path}");
        tree.put(path, String::from_utf8(output.stdout)?);
    }
    Ok(())
}

/// A reader that went away (`xtask tidy | head`) is no failure.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
