//! What a run shows at its end.

use std::time::Instant;

use anyhow::Result;
use harness::{
    progress::Progress,
    stack::{Stack, athena},
};

use super::{
    report::{Place, Portfolio, Report, RunRequest},
    summary::{self, Source},
};
use crate::{
    args::RunArgs,
    output::{plural, print_line, text},
};

/// Reads the results back through Athena.
pub(super) async fn read(
    stack: &Stack,
    portfolio: Portfolio,
    request: RunRequest,
    place: Place,
    started: Instant,
    progress: &Progress,
) -> Result<Report> {
    let date = portfolio.date();
    let step = progress.step(
        "athena",
        text!(en: "read tb_ibov_refined through Athena", pt: "ler tb_ibov_refined pelo Athena"),
    );
    let (sectors, constituents) =
        tokio::try_join!(athena::sectors(stack, date), athena::constituents(stack, date))?;
    let number = sectors.len();
    let (en, pt) = (plural(number, "sector", "sectors"), plural(number, "setor", "setores"));
    step.done(text!(en: "{number} {en}", pt: "{number} {pt}"));
    Ok(Report::new(request, portfolio, constituents, sectors, place, started.elapsed()))
}

/// Prints the report in the form that the arguments ask for.
pub(super) fn print(
    args: &RunArgs,
    report: &Report,
    source: Source<'_>,
    progress: &Progress,
) -> Result<()> {
    if args.json {
        print_line(serde_json::to_string(report)?)?;
        progress.say(summary::in_one_line(report, source));
    } else if args.quiet {
        print_line(summary::in_one_line(report, source))?;
    } else {
        print_line(summary::of(report, source))?;
    }
    Ok(())
}
