//! The command line.

mod chain;
mod operate;
mod views;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail};
use chrono::NaiveDate;
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use harness::{b3_server::Reply, stack::Stage};
use shared::values::IndexCode;

pub(crate) use self::{
    chain::{ChainArgs, ImportArgs, ReprocessArgs},
    operate::{DiscardArgs, DoctorArgs, LogsArgs, ParkedArgs, RedriveArgs, StatusArgs},
    views::{By, ChartArgs, DiffArgs, HistoryArgs},
};
use crate::{export::Format, output::Language};

const EXIT_CODES: &str = "Exit codes: 0 done; 1 a step or stage failed; 2 wrong usage; 3 this machine lacks something, or with --stack region or credentials; \
4 --timeout is over; 130 Ctrl-C; 143 SIGTERM.";

/// Runs the pipeline on this machine, and works with a stack that is up.
#[derive(Debug, Parser)]
#[command(name = "ibov", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Language of texts and numbers. Default: that of the locale (LC_ALL, LC_MESSAGES or LANG).
    #[arg(long, global = true, value_name = "pt|en")]
    pub(crate) lang: Option<Language>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build, deploy to a local emulator, fetch, refine, and print the index by sector.
    ///
    /// Without --live, --sample or --b3-url it asks B3. What B3 answers is kept in .ibov/lake, day after day. Where B3
    /// cannot be reached and no day is kept yet, it takes the bundled sample, in a lake of its own.
    Run(RunArgs),
    /// Send a fetch request to a stack that is up.
    Fetch(FetchArgs),
    /// Show on one screen whether a stack is well; exit code 1 if it is not.
    Status(StatusArgs),
    /// Look for what keeps the other commands, or the stack, from working; each finding with the next step.
    Doctor(DoctorArgs),
    /// Print what a stage's function logged.
    Logs(LogsArgs),
    /// Take in what was kept elsewhere: recorded answers of B3 (JSON), and the day portfolios of B3's site (CSV).
    ///
    /// Each file is checked by the rules for B3's answers. A day that is there already stays as it is, so the same
    /// command can be given again. Without --stack the days are refined before it ends.
    Import(ImportArgs),
    /// Send landing objects through the chain again; after a correction of the functions or of the job.
    Reprocess(ReprocessArgs),
    /// Show what lies in the dead-letter queues, and leave it there.
    ///
    /// What failed alike is one line. With STAGE, --code or --limit, the messages themselves follow.
    Parked(ParkedArgs),
    /// Send what lies in a dead-letter queue back to its queue: everything, or some of it.
    Redrive(RedriveArgs),
    /// Delete one message from a dead-letter queue, for good.
    Discard(DiscardArgs),
    /// Ask for one date to be refined; after a correction of the job, with --force.
    Refine(RefineArgs),
    /// Tell the stand-in B3 server of a kept local stack how to answer from now on.
    B3(B3Args),
    /// Run a query through Athena: one of yours, or by name one that the stack keeps.
    Query(QueryArgs),
    /// List the queries that the stack keeps, and what each wants to know.
    Queries(QueriesArgs),
    /// Draw the weights of one day as bars.
    Chart(ChartArgs),
    /// Show how the weight of a stock or a sector went.
    History(HistoryArgs),
    /// Compare two days: what entered, what left, and how weights moved.
    Diff(DiffArgs),
    /// Write one page of HTML: sectors and stocks, moves since the session before, history, and the state of the chain.
    ///
    /// The page holds everything that it shows and asks nobody for anything, so it can be kept, printed or sent on.
    Report(ReportArgs),
    /// Print a script that makes a shell complete commands and options.
    Completions(CompletionsArgs),
    /// Print the manual pages, or write them to a folder.
    Man(ManArgs),
}

/// `ibov run`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Ask B3, and fail where it cannot be reached.
    #[arg(long, group = "where")]
    pub(crate) live: bool,
    /// Take the bundled sample portfolio; nothing leaves this machine.
    #[arg(long, group = "where")]
    pub(crate) sample: bool,
    /// Ask this server, which speaks B3's API.
    #[arg(long, group = "where", value_name = "URL", value_parser = url)]
    pub(crate) b3_url: Option<String>,
    /// Code of the index.
    #[arg(long, default_value = "IBOV", value_parser = index)]
    pub(crate) index: String,
    /// 2: with sectors; 1: without.
    #[arg(long, default_value = "2", value_parser = ["1", "2"])]
    pub(crate) segment: String,
    /// Time for everything, as 90, 90s or 5m. Default: 10m, or 30m when there is something to install first.
    #[arg(long, value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Leave the stack up until Ctrl-C, and print how to reach it.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Keep the objects in this folder, and begin with those there. Default: .ibov/lake, or one of .ibov/lakes for other
    /// indices, for --segment 1 and for the sample; with --b3-url the folder of the run, which begins empty.
    #[arg(long, value_name = "DIR", value_parser = folder)]
    pub(crate) lake: Option<PathBuf>,
    /// Reach B3, PyPI and crates.io through this proxy. Default: the one in HTTPS_PROXY.
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) proxy: Option<String>,
    /// Print only the result, as one line, or the cause of a failure. For cron.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Print one JSON document on standard output, and everything else on standard error.
    #[arg(long)]
    pub(crate) json: bool,
    /// Say at the end, on standard error, where each second went. What Cargo does before ibov starts is not in it.
    #[arg(long)]
    pub(crate) timings: bool,
}

/// Which stack.
#[derive(Debug, Clone, Args)]
pub(crate) struct StackArgs {
    /// A stack deployed to AWS. Default: the local one that `ibov run --keep` has left up.
    #[arg(long, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// How to reach it.
    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

/// How to reach a stack in AWS, as the AWS CLI has it.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AccountArgs {
    /// Sign in to AWS with this profile. Default: AWS_PROFILE and the other usual variables.
    #[arg(long, value_name = "NAME", requires = "stack")]
    pub(crate) profile: Option<String>,
    /// The stack's region. Default: AWS_REGION, or the profile's.
    #[arg(long, value_name = "REGION", requires = "stack")]
    pub(crate) region: Option<String>,
}

/// Which tables.
#[derive(Debug, Clone, Args)]
pub(crate) struct TablesArgs {
    /// A stack deployed to AWS. Default: the local one that is up, or the days in .ibov/lake if none is.
    #[arg(long, value_name = "NAME", conflicts_with = "lake")]
    pub(crate) stack: Option<String>,
    /// How to reach it.
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// The days in this folder, which a run has written.
    #[arg(long, value_name = "DIR", value_parser = folder)]
    pub(crate) lake: Option<PathBuf>,
}

impl TablesArgs {
    /// The stack alone.
    pub(crate) fn stack(&self) -> StackArgs {
        StackArgs { stack: self.stack.clone(), account: self.account.clone() }
    }
}

/// `ibov fetch`.
#[derive(Debug, Clone, Args)]
pub(crate) struct FetchArgs {
    /// Which stack.
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// Code of the index. Default: the stack's.
    #[arg(long, value_parser = index)]
    pub(crate) index: Option<String>,
    /// 1 or 2. Default: the stack's.
    #[arg(long, value_parser = ["1", "2"])]
    pub(crate) segment: Option<String>,
}

/// `ibov refine`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RefineArgs {
    /// Which stack.
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// The date of the portfolio, as 2026-11-20.
    #[arg(long)]
    pub(crate) date: NaiveDate,
    /// Refine it even if its content is refined already.
    #[arg(long)]
    pub(crate) force: bool,
}

/// `ibov b3`.
#[derive(Debug, Clone, Args)]
pub(crate) struct B3Args {
    #[arg(help = format!("An HTTP status such as 500, or one of: {}", Reply::NAMES.join(", ")), value_parser = answer)]
    /// How to answer.
    pub(crate) answer: String,
    /// The date of the sample from now on, as 2026-11-20; without it, the session of the day.
    #[arg(long)]
    pub(crate) date: Option<NaiveDate>,
}

/// `ibov query`.
#[derive(Debug, Clone, Args)]
pub(crate) struct QueryArgs {
    /// Which stack.
    #[command(flatten)]
    pub(crate) stack: TablesArgs,
    /// The query, in Athena's SQL.
    #[arg(required_unless_present = "name", conflicts_with = "name")]
    pub(crate) sql: Option<String>,
    /// A query that the stack keeps; `ibov queries` lists them.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What the next question mark of the query stands for, as a text. Once for each.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) param: Vec<String>,
    /// How the answer is written. Default: what the name of --out says, else a table.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write the answer to this file, in place of the one that is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `ibov queries`.
#[derive(Debug, Clone, Args)]
pub(crate) struct QueriesArgs {
    /// Which stack.
    #[command(flatten)]
    pub(crate) stack: TablesArgs,
}

/// `ibov report`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReportArgs {
    /// Which tables.
    #[command(flatten)]
    pub(crate) tables: TablesArgs,
    /// Where to write it. Default: ibov-<date of the newest session>.html in the current folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `ibov completions`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompletionsArgs {
    /// For which shell.
    pub(crate) shell: KnownShell,
}

/// The shells that people were seen to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KnownShell {
    Bash,
    Zsh,
    Fish,
}

impl From<KnownShell> for clap_complete::Shell {
    fn from(shell: KnownShell) -> Self {
        match shell {
            KnownShell::Bash => Self::Bash,
            KnownShell::Zsh => Self::Zsh,
            KnownShell::Fish => Self::Fish,
        }
    }
}

/// `ibov man`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ManArgs {
    /// Write one page for each command to this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Stages by their names, with a suggestion for a name that is nearly one. A function's name is taken too.
fn stages() -> impl TypedValueParser<Value = Stage> {
    let names = Stage::ALL.map(|stage| PossibleValue::new(stage.name()).alias(stage.function()));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Stage>())
}

fn answer(name: &str) -> Result<String> {
    name.parse::<Reply>().map(|_| name.to_owned())
}

fn url(text: &str) -> Result<String> {
    let url = reqwest::Url::parse(text).context("not a URL")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        bail!("wanted is http://… or https://…");
    }
    Ok(text.to_owned())
}

/// Absolute, because a stack that is kept up knows its lake by the same name in every terminal.
fn folder(text: &str) -> Result<PathBuf> {
    Ok(std::path::absolute(text)?)
}

fn index(code: &str) -> Result<String> {
    Ok(code.parse::<IndexCode>()?.to_string())
}

/// `90`, `90s`, `5m` or `1h`.
fn duration(text: &str) -> Result<Duration> {
    let (number, seconds) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) if text.ends_with('m') => (number, 60),
        Some(number) if text.ends_with('h') => (number, 3600),
        Some(number) => (number, 1),
        None => (text, 1),
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)) {
        Some(total) if total > 0 => Ok(Duration::from_secs(total)),
        Some(_) | None => bail!("a time is written as 90, 90s, 5m or 1h"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_lake_is_the_same_from_every_folder() {
        let cli = Cli::try_parse_from(["ibov", "query", "SELECT 1", "--lake", "days/"]).unwrap();
        let Command::Query(args) = cli.command else { panic!("another command") };
        let here = std::env::current_dir().unwrap();
        assert_eq!(args.stack.lake, Some(here.join("days")));
    }

    #[test]
    fn sources_exclude_each_other() {
        for pair in [
            ["--live", "--sample"],
            ["--sample", "--b3-url=http://x"],
            ["--live", "--b3-url=http://x"],
        ] {
            assert!(Cli::try_parse_from(["ibov", "run"].iter().chain(&pair)).is_err(), "{pair:?}");
        }
    }

    #[test]
    fn a_query_has_either_sql_or_a_name() {
        for words in [&["query"][..], &["query", "SELECT 1", "--name", "moves"]] {
            assert!(Cli::try_parse_from(["ibov"].iter().chain(words)).is_err(), "{words:?}");
        }
        for words in [&["SELECT ?", "--param", "-1"][..], &["--name", "moves", "--param", "x"]] {
            let words = ["ibov", "query"].iter().chain(words);
            assert!(Cli::try_parse_from(words.clone()).is_ok(), "{words:?}");
        }
    }

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600)] {
            assert_eq!(duration(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in ["", "0", "-1", "5d", "m"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn urls_and_indices_are_checked() {
        assert!(url("http://127.0.0.1:8080").is_ok());
        assert!(url("ftp://x").is_err() && url("127.0.0.1:8080").is_err());
        assert!(index("IBOV").is_ok() && index("ibov").is_err() && index("").is_err());
    }
}
