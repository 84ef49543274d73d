//! How far a local Glue run is, by what it has printed.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{progress::Step, text};

/// The log of one run.
#[derive(Debug)]
pub(super) struct RunLog {
    path: PathBuf,
    java_started: AtomicBool,
    rows_written: AtomicBool,
}

impl RunLog {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, java_started: AtomicBool::new(false), rows_written: AtomicBool::new(false) }
    }

    /// Notes the parts of the step that the log says are over.
    pub(super) fn look(&self, step: &Step) {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        if java_has_started(&text) && !self.java_started.swap(true, Ordering::Relaxed) {
            step.part(text!(en: "Python and Java start", pt: "Python e Java iniciam"));
        }
        if rows_are_written(&text) && !self.rows_written.swap(true, Ordering::Relaxed) {
            step.part(
                text!(en: "Spark sums, the rows are written", pt: "o Spark soma, as linhas são gravadas"),
            );
        }
    }
}

/// Java is the first to print anything.
fn java_has_started(log: &str) -> bool {
    !log.is_empty()
}

/// The job prints one JSON document when it is done.
fn rows_are_written(log: &str) -> bool {
    log.lines().any(|line| line.starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;

    #[test]
    fn each_part_is_noted_once_when_the_log_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jr_1.log");
        let (log, progress) = (RunLog::new(path.clone()), Progress::silent());
        let step = progress.step("glue", "refine");
        let parts = || progress.timings().steps[0].parts.len();
        log.look(&step);
        assert_eq!(parts(), 0, "there is no log yet");
        let java = "Setting default log level to \"WARN\".\n";
        for (text, wanted) in [(java.to_owned(), 1), (format!("{java}{{\"dates\": []}}\n"), 2)] {
            fs::write(&path, text).unwrap();
            log.look(&step);
            log.look(&step);
            assert_eq!(parts(), wanted);
        }
        step.done("");
    }
}
