//! Mails in English.

use super::news::{News, ends, joined, listed, warning_lines};
use crate::stack::Stack;

pub(super) fn title_and_text(stack: &Stack, news: News<'_>) -> (String, String) {
    let Stack { name, index, job, .. } = stack;
    match news {
        News::Refined { run } => (
            format!("refined: {}", shortened(&run.dates)),
            format!(
                "The portfolios of these dates are refined and can be queried:\n\n  {}\n\n\
                 Stack     {name}\nGlue job  {job}\nRun       {}\nTime      {} s\n",
                listed(&run.dates),
                run.id,
                run.seconds,
            ),
        ),
        News::Odd { run, warnings } => (
            format!("refined with warnings: {}", shortened(&joined(warnings.keys()))),
            format!(
                "These dates are refined and can be queried. Something about them is odd, and may be right:\n\n\
                 {}\n\
                 You need not do anything. Compare with B3's site. If B3 answered less than it should have, a later\n\
                 fetch of the same session replaces the date by itself:\n\n  \
                 {}\n\n\
                 Stack     {name}\nGlue job  {job}\nRun       {}\n",
                warning_lines(warnings),
                stack.command("fetch"),
                run.id,
            ),
        ),
        News::Unfinished { run, parked } => {
            let dates = joined(parked);
            let title = format!("refine {}: {}", ending(run.state.name()), shortened(&dates));
            let text = format!(
                "A Glue run ended as {state}. These dates are not refined, or still show what an earlier run \
                 refined:\n\n  {dates}\n\n\
                 Cause     {cause}\nStack     {name}\nGlue job  {job}\nRun       {run}\nDetails   {link}\n\n\
                 Until this is repaired, queries of tb_ibov_refined lack these dates or show old rows. Their raw files\n\
                 are safe.\n\n\
                 To see what waits, and why:\n\n  \
                 {status}\n  {parked}\n\n\
                 Each date waits on the dead-letter queue {name}-glue-dlq for 14 days. Once the cause is repaired,\n\
                 refine them again:\n\n  \
                 {redrive}\n\n\
                 or, with the AWS CLI alone:\n\n  \
                 {move_task}\n",
                state = run.state.name(),
                dates = listed(&dates),
                cause = run.cause(),
                run = run.id,
                link = stack.link_to(&run.id),
                status = stack.command("status"),
                parked = stack.command("parked glue"),
                redrive = stack.command("redrive glue"),
                move_task = stack.move_task(),
            );
            (title, text)
        }
        News::Ended { run } => (
            format!("refine {}: {}", run.state.name(), shortened(&run.dates)),
            format!(
                "A Glue run ended as {state}. It was started for these dates. None of them needs anything from you: each is \
                 refined, or is refined by the next run, or has no raw file.\n\n  {dates}\n\n\
                 Cause     {cause}\nStack     {name}\nGlue job  {job}\nRun       {run}\nDetails   {link}\n\n\
                 There is nothing to repair. To see that all is well:\n\n  \
                 {status}\n",
                state = run.state.name(),
                dates = listed(&run.dates),
                cause = run.cause(),
                run = run.id,
                link = stack.link_to(&run.id),
                status = stack.command("status"),
            ),
        ),
        News::Missed { day, checked_at } => (
            format!("missing: {day}"),
            format!(
                "By {checked_at} no portfolio of {index} for {day} or for a later session had landed.\n\n\
                 B3 serves no past portfolio: what is not fetched before the next session is lost. Queries do not\n\
                 show {day} until it is fetched. On a holiday B3 answers for the next session, and this mail does\n\
                 not come.\n\n\
                 To see whether a request waits, and why:\n\n  \
                 {status}\n  {parked}\n\n\
                 Once the cause is repaired, send the requests that wait again, or ask B3 anew:\n\n  \
                 {redrive}\n  {fetch}\n\n\
                 Stack     {name}\n",
                checked_at = checked_at.format("%H:%M UTC"),
                status = stack.command("status"),
                parked = stack.command("parked fetch"),
                redrive = stack.command("redrive fetch"),
                fetch = stack.command("fetch"),
            ),
        ),
    }
}

/// How a run ended that left dates unfinished. One that succeeded did not record them.
fn ending(state: &str) -> &str {
    if state == "SUCCEEDED" { "incomplete" } else { state }
}

/// `2026-11-20`, or `2026-11-18 to 2026-11-20 (3 dates)`.
fn shortened(dates: &str) -> String {
    match ends(dates) {
        Some((first, last, count)) => format!("{first} to {last} ({count} dates)"),
        None => dates.to_owned(),
    }
}
