//! The commands of the operator.

use std::time::Duration;

use clap::Args;
use harness::stack::Stage;

use super::{StackArgs, duration, stages};

/// `ibov status`.
#[derive(Debug, Clone, Args)]
pub(crate) struct StatusArgs {
    /// Which stack.
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// Print one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    /// Look again every few seconds, until Ctrl-C.
    #[arg(long)]
    pub(crate) watch: bool,
}

/// `ibov doctor`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DoctorArgs {
    /// Which stack.
    #[command(flatten)]
    pub(crate) stack: StackArgs,
}

/// `ibov logs`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogsArgs {
    /// Which stack.
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// fetch, parquet, glue or completion.
    #[arg(value_parser = stages(), hide_possible_values = true)]
    pub(crate) stage: Stage,
    /// How far back, as 90s, 15m or 24h.
    #[arg(long, default_value = "1h", value_parser = duration)]
    pub(crate) since: Duration,
    /// Only the lines about the message with this id.
    #[arg(long, value_name = "ID")]
    pub(crate) message: Option<String>,
    /// Print new lines as they come, until Ctrl-C.
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// `ibov parked`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ParkedArgs {
    /// Which stack.
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// fetch, parquet, glue or completion. Default: all.
    #[arg(value_parser = stages(), hide_possible_values = true)]
    pub(crate) stage: Option<Stage>,
    /// Only those that failed like this, such as b3-html; `none` stands for those without a code.
    #[arg(long, alias = "kind", value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// Print at most so many messages. Default: 10.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Print one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ibov redrive`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RedriveArgs {
    /// Which stack.
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// fetch, parquet, glue or completion.
    #[arg(value_parser = stages(), hide_possible_values = true)]
    pub(crate) stage: Stage,
    /// Only those that failed like this, such as b3-html; `none` stands for those without a code.
    #[arg(long, alias = "kind", value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// Only the message with this id, as `ibov parked STAGE` shows it.
    #[arg(long, value_name = "ID")]
    pub(crate) message: Option<String>,
    /// Only say which messages these are.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `ibov discard`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DiscardArgs {
    /// Which stack.
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// The message with this id, as `ibov parked STAGE` shows it.
    #[arg(long, value_name = "ID")]
    pub(crate) message: String,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}
