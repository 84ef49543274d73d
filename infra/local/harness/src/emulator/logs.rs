use std::path::{Path, PathBuf};

use anyhow::Result;

use super::outbox::{self, Mail};
use crate::stack::{Stack, Stage};

/// The files that a run leaves in its folder.
#[derive(Debug, Clone)]
pub struct Logs {
    folder: PathBuf,
}

impl Logs {
    /// Those in the folder of a run.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the emulator itself printed.
    pub fn emulator(&self) -> PathBuf {
        self.folder.join("emulator.log")
    }

    pub fn function(&self, stack: &Stack, stage: Stage) -> PathBuf {
        self.folder.join("logs").join(format!("{}.log", stack.function_name(stage)))
    }

    pub fn glue_run(&self, id: &str) -> PathBuf {
        self.folder.join("glue").join(format!("{id}.log"))
    }

    /// Every e-mail that SNS would have sent, in order.
    pub fn mails(&self) -> Result<Vec<Mail>> {
        outbox::read(&self.folder.join("outbox.jsonl"))
    }
}
