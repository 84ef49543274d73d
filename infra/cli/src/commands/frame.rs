//! What the commands that send work through a chain have in common: a signal ends them, they end everything that they
//! started, and a failure is told in words and, with `--json`, as a document.

use std::process::ExitCode;

use anyhow::Result;
use harness::{checkout::Workspace, failure::Failure, processes::Processes, progress::Progress};
use serde_json::json;

use super::{
    chain::{Chain, with_chain},
    run::{signals, speed_up_later_runs},
};
use crate::{args::ChainArgs, output::print_line};

/// A command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) name: &'static str,
    pub(super) chain: &'a ChainArgs,
    pub(super) json: bool,
    /// What is said after a signal has ended it.
    pub(super) advice: &'a str,
}

impl Frame<'_> {
    pub(super) async fn carry_out(
        self,
        work: impl AsyncFnOnce(&Chain, &Progress) -> Result<ExitCode>,
    ) -> ExitCode {
        let progress = Progress::stderr().beginning_with(self.name);
        let processes = Processes::default();
        let mut code = ExitCode::SUCCESS;
        let working = with_chain(self.chain, &processes, &progress, async |chain| {
            code = work(&chain, &progress).await?;
            Ok(())
        });
        let done = tokio::select! {
            done = working => done,
            signal = signals::ending() => signal.and_then(|signal| {
                Err(signal.failure(progress.current_stage(), self.advice).into())
            }),
        };
        if done.is_ok()
            && self.chain.stack.is_none()
            && let Ok(workspace) = Workspace::locate()
        {
            speed_up_later_runs(&workspace, &processes, &progress).await;
        }
        processes.end_all().await;
        let code = match done {
            Ok(()) => code,
            Err(error) => self.fail(error, &progress),
        };
        if self.chain.timings {
            progress.insist(format_args!("\n{}", progress.timings()));
        }
        code
    }

    fn fail(self, error: anyhow::Error, progress: &Progress) -> ExitCode {
        let failure = Failure::of(error, progress.current_stage(), None);
        if self.json
            && let Err(error) = print_line(json!({"error": failure}))
        {
            progress.say(format_args!("{error:#}"));
        }
        tell(&failure, progress)
    }
}

/// Says what failed.
pub(super) fn tell(failure: &Failure, progress: &Progress) -> ExitCode {
    progress.say(format_args!("\n{failure}"));
    ExitCode::from(failure.exit.code())
}
