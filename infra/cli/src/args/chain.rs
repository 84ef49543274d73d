//! Arguments of the commands that send days through a chain.

use std::{path::PathBuf, time::Duration};

use chrono::NaiveDate;
use clap::Args;

use super::{AccountArgs, duration, folder, index};

/// Which chain.
#[derive(Debug, Clone, Args)]
pub(crate) struct ChainArgs {
    /// A stack deployed to AWS. Default: the local one that is up, or one over the lake for the time of the command.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["lake", "index", "segment"])]
    pub(crate) stack: Option<String>,
    /// The lake in this folder. Default: that of the index and segment, which is .ibov/lake for IBOV by sector.
    #[arg(long, value_name = "DIR", value_parser = folder)]
    pub(crate) lake: Option<PathBuf>,
    /// Code of the index. Default: the lake's, or IBOV.
    #[arg(long, value_parser = index)]
    pub(crate) index: Option<String>,
    /// 2: with sectors; 1: without, in a lake of its own. Default: the lake's, or 2.
    #[arg(long, value_parser = ["1", "2"])]
    pub(crate) segment: Option<String>,
    /// Say at the end, on standard error, where each second went. What Cargo does before ibov starts is not in it.
    #[arg(long)]
    pub(crate) timings: bool,
    /// How to reach the stack.
    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

/// `ibov import`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportArgs {
    /// Files, or folders with *.json, *.json.gz and *.csv.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Where to.
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    /// Give up when nothing has moved for so long, as 90s, 30m or 2h. Default: 15m; with --stack nothing is awaited.
    #[arg(long, value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Print one JSON document on standard output, with every file in it.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ibov reprocess`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReprocessArgs {
    /// The first date, as 2026-11-20.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: NaiveDate,
    /// The last date.
    #[arg(long, value_name = "DATE")]
    pub(crate) to: NaiveDate,
    /// Whose.
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    /// Give up when nothing has moved for so long, as 90s, 30m or 2h. Default: 15m, with --stack 1h.
    #[arg(long, value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Print one JSON document on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}
