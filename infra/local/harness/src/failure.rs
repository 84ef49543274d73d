//! A failed step or stage: which one, why, and where its log is.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::text;

/// Also the `error` of the document that `ibov run --json` prints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The step or stage that failed.
    pub stage: String,
    /// One sentence.
    pub cause: String,
    /// The object or Glue run that it failed on.
    pub object: Option<String>,
    /// The stage's log.
    pub logs: Option<PathBuf>,
    /// The stage's name for this sort of error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The request's id in the stage's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parked_at: Option<String>,
    #[serde(skip)]
    pub exit: Exit,
}

/// Exit codes of `ibov`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Exit {
    /// 1: a step or stage failed.
    #[default]
    Failed,
    /// 3: this machine lacks something.
    MachineNotReady,
    /// 4: the time given by `--timeout` is over.
    TimedOut,
    /// 130: Ctrl-C.
    Interrupted,
    /// 143: SIGTERM.
    Terminated,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::MachineNotReady => 3,
            Self::TimedOut => 4,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl Failure {
    pub fn new(stage: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { stage: stage.into(), cause: cause.into(), ..Self::default() }
    }

    /// The failure that `error` carries, or a failure of `stage` with all causes of `error` in one sentence.
    pub fn of(error: anyhow::Error, stage: &str, logs: Option<&Path>) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => failure,
            Err(error) => {
                Self { logs: logs.map(Path::to_path_buf), ..Self::new(stage, format!("{error:#}")) }
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, cause, .. } = self;
        f.write_str(&text!(
            en: "stage {stage} failed: {cause}",
            pt: "a etapa {stage} falhou: {cause}"
        ))?;
        let details = [
            (text!(en: "code", pt: "código"), self.code.clone()),
            (text!(en: "object", pt: "objeto"), self.object.clone()),
            (text!(en: "request", pt: "pedido"), self.request_id.clone()),
            (
                text!(en: "attempts", pt: "tentativas"),
                self.attempts.map(|number| number.to_string()),
            ),
            (text!(en: "parked at", pt: "retida em"), self.parked_at.clone()),
        ];
        for (name, value) in details {
            if let Some(value) = value {
                write!(f, "\n  {name}: {value}")?;
            }
        }
        if let Some(logs) = &self.logs {
            write!(f, "\n  log: {}", logs.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn an_error_that_is_a_failure_already_stays_it() {
        let known =
            Failure { object: Some("landing/x".into()), ..Failure::new("fetch", "no rows") };
        assert_eq!(Failure::of(known.clone().into(), "other", None), known);
        let plain =
            Failure::of(anyhow!("inner").context("outer"), "build", Some(Path::new("/log")));
        assert_eq!(plain.cause, "outer: inner");
        assert_eq!(plain.to_string(), "stage build failed: outer: inner\n  log: /log");
    }

    #[test]
    fn the_document_names_stage_cause_object_and_logs() {
        let json = serde_json::to_value(Failure::new("fetch", "no rows")).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"stage": "fetch", "cause": "no rows", "object": null, "logs": null})
        );
    }
}
