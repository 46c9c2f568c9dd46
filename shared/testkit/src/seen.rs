//! What the Lambdas of a world were seen to need permission for, written down for `xtask policies`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use aws::env::Env;
use runtime::Record;

/// Lines `system/handler action resource` of one world, written when it ends, where `ALMANAC_SEEN` names a folder.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    file: Option<PathBuf>,
    stage: String,
    /// The test changed the environment, so that a Lambda may have been pointed at what is not the stage's.
    changed: bool,
    lines: BTreeSet<String>,
}

impl Seen {
    pub(crate) fn of(env: &Env, stage: &str, changed: bool) -> Self {
        let file = env.get("ALMANAC_SEEN").map(|folder| PathBuf::from(folder).join(format!("{stage}.txt")));
        Self { file, stage: format!("{stage}-"), changed, lines: BTreeSet::new() }
    }

    pub(crate) fn note(&mut self, record: &Record) {
        if self.file.is_none() {
            return;
        }
        for (action, resource) in record.meter.actions.keys() {
            let own = resource.strip_prefix(&self.stage).map(|rest| format!("${{Stage}}-{rest}"));
            if own.is_some() || !self.changed {
                let resource = own.as_deref().unwrap_or(resource);
                self.lines.insert(format!("{}/{} {action} {resource}", record.system, record.handler));
            }
        }
    }
}

impl Drop for Seen {
    #[allow(clippy::print_stderr)] // `xtask policies` then misses what was not written
    fn drop(&mut self) {
        let Some(path) = self.file.take().filter(|_| !self.lines.is_empty()) else { return };
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
            eprintln!("{}: {error}", path.display());
        }
    }
}
