//! Arguments of the commands that show the portfolio to people.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};

use super::TablesArgs;

/// What a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    Sector,
    Stock,
}

/// `ibov chart`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ChartArgs {
    /// Which tables.
    #[command(flatten)]
    pub(crate) tables: TablesArgs,
    /// The day, as 2026-11-20. Default: the newest.
    #[arg(long)]
    pub(crate) date: Option<NaiveDate>,
    /// What a bar stands for.
    #[arg(long, value_enum, default_value = "sector")]
    pub(crate) by: By,
    /// Show the heaviest so many; the others are added up in one row, which has no bar. Default: all sectors, or 20 stocks.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) top: Option<u16>,
    /// Draw into this SVG file, in place of the one that is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ibov history`.
#[derive(Debug, Clone, Args)]
pub(crate) struct HistoryArgs {
    /// Which tables.
    #[command(flatten)]
    pub(crate) tables: TablesArgs,
    /// A ticker, or a part of a sector's name that no other sector has. Accents and capitals do not matter.
    #[arg(value_name = "TICKER|SECTOR")]
    pub(crate) of: String,
    /// The first day, as 2026-11-20.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<NaiveDate>,
    /// The last day.
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<NaiveDate>,
    /// Draw into this SVG file, in place of the one that is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `ibov diff`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DiffArgs {
    /// Which tables.
    #[command(flatten)]
    pub(crate) tables: TablesArgs,
    /// One day or two, as 2026-11-20. Default: the newest; and the day before the one.
    #[arg(value_name = "DATE", num_args = 0..=2)]
    pub(crate) dates: Vec<NaiveDate>,
    /// Show the so many largest moves.
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) top: u16,
    /// Print one JSON document, with all moves.
    #[arg(long)]
    pub(crate) json: bool,
}
