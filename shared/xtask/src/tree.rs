//! The project's files, read once. Rules and scaffolds work on this, so that a test can hand them a project of strings.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// What tools make; nobody writes there.
const MADE: [&str; 8] =
    [".git", ".venv", ".local", ".aws-sam", "target", "__pycache__", "node_modules", "proptest-regressions"];

/// Files by their path from the root, with `/` on every system. A file that is not text is known by its path alone.
#[derive(Debug, Clone, Default)]
pub struct Tree(BTreeMap<String, Option<String>>);

impl Tree {
    /// Reads every file below `root`.
    ///
    /// # Errors
    /// When a directory or a file cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![(root.to_owned(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = format!("{prefix}{name}");
                if MADE.contains(&name.as_str()) {
                    continue; // a folder, or a link to one
                }
                if entry.file_type()?.is_dir() {
                    folders.push((entry.path(), path + "/"));
                } else {
                    let bytes = fs::read(entry.path()).with_context(|| format!("reading {path}"))?;
                    files.insert(path, String::from_utf8(bytes).ok());
                }
            }
        }
        Ok(Self(files))
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path)?.as_deref()
    }

    /// The text of a file that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn require(&self, path: &str) -> Result<&str> {
        self.text(path).with_context(|| format!("{path} is missing"))
    }

    /// Whether there is a file or a folder at this path.
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        path.is_empty() || self.0.contains_key(path) || self.below(&folder).next().is_some()
    }

    /// The text files whose path begins with `prefix`.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let from = self.0.range(prefix.to_owned()..);
        let inside = from.take_while(move |(path, _)| path.starts_with(prefix));
        inside.map(|(path, text)| (path.as_str(), text.as_deref().unwrap_or_default()))
    }

    /// All text files.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.below("")
    }

    /// The names of the folders directly inside `folder`.
    pub fn folders(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{folder}/");
        let names =
            self.below(&prefix).filter_map(|(path, _)| path[prefix.len()..].split_once('/').map(|(name, _)| name));
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.dedup();
        names
    }

    /// Puts a file there, in memory.
    pub fn put(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.insert(path.into(), Some(text.into()));
    }

    /// Takes a file away, in memory.
    pub fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }

    /// Writes the files in which this differs from `before`, and says which.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn write(&self, before: &Self, root: &Path) -> Result<Vec<String>> {
        let mut written = Vec::new();
        for (path, text) in &self.0 {
            let Some(text) = text.as_ref().filter(|text| before.text(path) != Some(text)) else { continue };
            let place = root.join(path);
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            }
            fs::write(&place, text).with_context(|| format!("writing {path}"))?;
            written.push(path.clone());
        }
        Ok(written)
    }
}

/// The project's root: the nearest folder upwards that has both `Cargo.toml` and `functions/`.
///
/// # Errors
/// Outside the project.
pub fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("finding the current directory")?;
    for folder in here.ancestors() {
        if folder.join("Cargo.toml").is_file() && folder.join("functions").is_dir() {
            return Ok(folder.to_owned());
        }
    }
    bail!("no folder above {} has a Cargo.toml and functions/: run this inside the project", here.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_are_found_by_path() {
        let mut tree = Tree::default();
        for path in ["functions/a/x.rs", "functions/a/src/y.rs", "functions/b/z.rs", "functions/note.md"] {
            tree.put(path, "");
        }
        assert_eq!(tree.folders("functions"), ["a", "b"]);
        assert!(tree.has("functions/a/src") && tree.has("functions/a/") && tree.has("functions/a/x.rs"));
        assert!(!tree.has("functions/c") && !tree.has("functions/a/sr"));
    }

    #[test]
    fn only_what_changed_is_written() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("almanac-xtask-{}", std::process::id()));
        let mut before = Tree::default();
        before.put("same.txt", "1");
        let mut after = before.clone();
        after.put("new/deep.txt", "2");
        let written = after.write(&before, &folder)?;
        let read = Tree::read(&folder)?;
        fs::remove_dir_all(&folder)?;
        assert_eq!((written, read.text("new/deep.txt")), (vec!["new/deep.txt".to_owned()], Some("2")));
        Ok(())
    }
}
