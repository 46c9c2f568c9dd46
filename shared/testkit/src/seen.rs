//! What the Lambdas of a world were seen to need permission for, written down for `xtask policies`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use aws::env::Env;
use runtime::Record;

/// Lines `system/handler action resource` of one world, written when it ends, where `ALMANAC_SEEN` names a folder.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    file: Option<PathBuf>,
    stage: String,
    /// The test changed the environment, so that a Lambda may have been pointed at what is not the stage's.
    changed: bool,
    lines: Mutex<BTreeSet<String>>,
}

impl Seen {
    pub(crate) fn of(env: &Env, stage: &str, changed: bool) -> Self {
        let file = env.get("ALMANAC_SEEN").map(|folder| PathBuf::from(folder).join(format!("{stage}.txt")));
        Self { file, stage: format!("{stage}-"), changed, lines: Mutex::default() }
    }

    pub(crate) fn note(&self, record: &Record) {
        if self.file.is_none() {
            return;
        }
        for (action, resource) in record.meter.actions.keys() {
            let own = resource.strip_prefix(&self.stage).map(|rest| format!("${{Stage}}-{rest}"));
            if own.is_some() || !self.changed {
                let resource = own.as_deref().unwrap_or(resource);
                let line = format!("{}/{} {action} {resource}", record.system, record.handler);
                self.lines.lock().unwrap_or_else(PoisonError::into_inner).insert(line);
            }
        }
    }
}

impl Drop for Seen {
    #[allow(clippy::print_stderr)] // `xtask policies` then misses what was not written
    fn drop(&mut self) {
        let lines = std::mem::take(self.lines.get_mut().unwrap_or_else(PoisonError::into_inner));
        let Some(path) = self.file.take().filter(|_| !lines.is_empty()) else { return };
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
            eprintln!("{}: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws::invocation::Meter;

    use super::*;

    #[test]
    fn what_a_world_saw_is_written_when_it_ends() -> anyhow::Result<()> {
        let folder = std::env::temp_dir().join(format!("almanac-seen-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let env = Env::of([("ALMANAC_SEEN", folder.display().to_string())]);
        let record = |resource: &str| Record {
            system: "zoo",
            handler: "feed_cat",
            request_id: String::new(),
            latency: Duration::ZERO,
            status: None,
            refusal: None,
            fault: None,
            trace: types::Trace::start(),
            linked_traces: Vec::new(),
            meter: Meter { actions: [(("dynamodb:GetItem", resource.to_owned()), 1)].into(), ..Meter::default() },
        };
        for (stage, changed) in [("t1", false), ("t2", true)] {
            let seen = Seen::of(&env, stage, changed);
            for resource in [format!("{stage}-zoo"), format!("{stage}-zoo"), "elsewhere".to_owned()] {
                seen.note(&record(&resource));
            }
        }
        let read = |stage| std::fs::read_to_string(folder.join(stage));
        let (plain, changed) = (read("t1.txt")?, read("t2.txt")?);
        std::fs::remove_dir_all(&folder)?;
        let own = "zoo/feed_cat dynamodb:GetItem ${Stage}-zoo\n";
        assert_eq!(plain, format!("{own}zoo/feed_cat dynamodb:GetItem elsewhere\n"));
        assert_eq!(changed, own, "a test pointed it elsewhere");
        Ok(())
    }
}
