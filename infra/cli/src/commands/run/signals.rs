//! The two signals that end this program.

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// Which of them came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// SIGINT.
    CtrlC,
    /// SIGTERM.
    Terminate,
}

/// Waits for either.
///
/// # Errors
/// When the operating system refuses to tell.
pub(crate) async fn ending() -> Result<Ending> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => Ending::CtrlC,
        _ = terminate.recv() => Ending::Terminate,
    })
}
