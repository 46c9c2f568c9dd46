//! The project as rules see it: its files, and each system's table and template, parsed once.

use crate::names::snake;
use crate::rows::{self, Row, Rows};
use crate::template::Template;
use crate::tree::Tree;

/// Everything a rule may ask.
#[derive(Debug)]
pub struct Project {
    /// The files.
    pub tree: Tree,
    /// The folders of `functions/`.
    pub systems: Vec<System>,
}

/// A folder of `functions/`.
#[derive(Debug)]
pub struct System {
    /// Its name.
    pub name: String,
    /// Its rows; `None` where the folder has no crate (`platform`) and so no Lambda.
    pub rows: Option<Result<Rows, String>>,
    /// Its template.
    pub template: Result<Template, String>,
}

impl Project {
    /// Parses what can be parsed; what cannot is for the rules to report.
    pub fn of(tree: Tree) -> Self {
        let systems = tree.folders("functions").into_iter().map(|name| System::of(&tree, name)).collect();
        Self { tree, systems }
    }
}

impl System {
    fn of(tree: &Tree, name: String) -> Self {
        let is_crate = tree.has(&format!("functions/{name}/Cargo.toml"));
        let lib = tree.require(&format!("functions/{name}/src/lib.rs"));
        let rows = is_crate.then(|| lib.and_then(rows::read).map_err(|error| format!("{error:#}")));
        let template = tree.require(&format!("functions/{name}/template.yaml")).and_then(Template::parse);
        Self { name, rows, template: template.map_err(|error| format!("{error:#}")) }
    }

    /// The rows that could be read.
    pub fn rows(&self) -> &[Row] {
        self.rows.as_ref().and_then(|rows| rows.as_ref().ok()).map_or(&[], |rows| &rows.rows)
    }

    /// A path inside the system's folder.
    pub fn path(&self, rest: &str) -> String {
        format!("functions/{}/{rest}", self.name)
    }

    /// The name of the system's crate and of its module of scenarios.
    pub fn snake(&self) -> String {
        snake(&self.name)
    }
}
