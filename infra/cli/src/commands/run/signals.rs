use anyhow::Result;
use harness::{
    failure::{Exit, Failure},
    language::text,
};
use tokio::signal::unix::{SignalKind, signal};

/// A signal that ends this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum EndingSignal {
    CtrlC,
    Terminate,
}

impl EndingSignal {
    /// What a command that it ended says, with some advice.
    pub(in crate::commands) fn failure(self, stage: &str, advice: &str) -> Failure {
        let (name, exit) = match self {
            Self::CtrlC => ("Ctrl-C", Exit::Interrupted),
            Self::Terminate => ("SIGTERM", Exit::Terminated),
        };
        let cause = text!(en: "stopped by {name}{advice}", pt: "interrompida por {name}{advice}");
        Failure { exit, ..Failure::new(stage, cause) }
    }
}

/// Waits for SIGINT or SIGTERM.
pub(in crate::commands) async fn ending() -> Result<EndingSignal> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => EndingSignal::CtrlC,
        _ = terminate.recv() => EndingSignal::Terminate,
    })
}
