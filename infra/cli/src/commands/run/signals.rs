use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// A signal that ends this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndingSignal {
    CtrlC,
    Terminate,
}

/// Waits for SIGINT or SIGTERM.
pub(super) async fn ending() -> Result<EndingSignal> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => EndingSignal::CtrlC,
        _ = terminate.recv() => EndingSignal::Terminate,
    })
}
