//! `ibov import`: files that were kept elsewhere become landing objects, and go on from there as fetched ones do.

mod kept;
mod landed;
mod paths;
mod report;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result};
use chrono::{NaiveDate, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use harness::{
    failure::Failure,
    journey::{Snapshot, Tracker},
    progress::Progress,
    stack::Stack,
    unfinished::{Unfinished, Wait, until_finished},
};
use shared::{keys::LandingKey, values::IndexCode};

pub(super) use self::landed::is_undated;
use self::{
    kept::{Accepted, Refused, Terms, judge},
    landed::{Landed, Verdict, order},
    report::{RefusedFile, Report, Taken, There},
};
use super::{
    chain::Chain,
    frame::{Frame, tell},
};
use crate::{
    args::ImportArgs,
    lake::Origin,
    output::{plural, print_line, text},
};

/// Many times what a run of the job takes.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Imports, and in any case ends everything that it started.
pub(crate) async fn import(args: &ImportArgs) -> ExitCode {
    let advice = text!(
        en: "; what was taken so far stays, and the same command again takes the rest",
        pt: "; o que já foi aceito fica, e o mesmo comando aceita o resto",
    );
    let frame = Frame { name: "import", chain: &args.chain, json: args.json, advice: &advice };
    frame.carry_out(async |chain, progress| carry_out(args, chain, progress).await).await
}

/// Fails if a file was refused, too.
async fn carry_out(args: &ImportArgs, chain: &Chain, progress: &Progress) -> Result<ExitCode> {
    let stack = &chain.stack;
    let terms = terms(chain).await?;
    let tracker = chain.tracker();
    let before = match &tracker {
        Some(tracker) => {
            Some((tracker.snapshot().await?, Unfinished::find(stack, &terms.index).await?))
        }
        None => None,
    };
    let mut report = put_all(&args.files, stack, &terms, progress).await?;
    report.lake = chain.local.as_ref().map(|local| local.lake.clone());
    if let (Some(tracker), Some((before, left))) = (&tracker, before) {
        // What an interrupted import put into landing/ without the messages that would have gone on.
        left.of(&report.dates()).resume(stack).await?;
        let limit = args.timeout.unwrap_or(TIMEOUT);
        match refine(&report, &terms.index, tracker, &before, limit, progress).await {
            Ok(()) => report.refined = true,
            Err(error) => {
                report.error = Some(Failure::of(error, progress.current_stage(), None));
            }
        }
    }
    if args.json {
        print_line(serde_json::to_string(&report)?)?;
    } else {
        print_line(report.text())?;
        if tracker.is_none() && !report.taken.is_empty() {
            print_line(text!(
                en: "The stack refines what was taken on its own; a mail comes for each run of the job.",
                pt: "A stack refina sozinha o que foi aceito; a cada execução do job chega um e-mail.",
            ))?;
        }
    }
    Ok(match &report.error {
        Some(failure) => tell(failure, progress),
        None if report.refused.is_empty() => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    })
}

/// Waits until the dates of the files are refined.
async fn refine(
    report: &Report,
    index: &IndexCode,
    tracker: &Tracker<'_>,
    before: &Snapshot,
    limit: Duration,
    progress: &Progress,
) -> Result<()> {
    let step = progress.step("refine", text!(en: "refine what is new", pt: "refinar o que é novo"));
    let left = |dates| {
        let (en, pt) = (plural(dates, "date", "dates"), plural(dates, "data", "datas"));
        step.note(text!(en: "{dates} {en} left", pt: "{dates} {pt} a refinar"));
    };
    // A day of years ago may be odd beside its neighbours and right all the same.
    let watch = async || tracker.fail_if_anything_was_parked(before).await;
    let wait = Wait { index, dates: &report.dates(), limit };
    until_finished(&wait, tracker, before, &watch, left).await?;
    step.done(text!(en: "nothing is left", pt: "não falta nada"));
    for mail in tracker.alerts(before)? {
        progress.say(format_args!("  ! {}", mail.subject()));
    }
    Ok(())
}

/// What the stack takes, as its parameters say.
async fn terms(chain: &Chain) -> Result<Terms> {
    let parameters = chain.stack.parameters().await?;
    let parameter = |name: &str| {
        let value = parameters.get(name).map(String::as_str);
        let stack = &chain.stack.name;
        value.with_context(|| {
            text!(
                en: "stack {stack} has no parameter {name}",
                pt: "a stack {stack} não tem o parâmetro {name}",
            )
        })
    };
    let first_month = parameter("FirstMonth")?;
    let first_date = format!("{first_month}-01").parse::<NaiveDate>();
    // What another server answered belongs into a lake for such answers.
    let any_server =
        chain.local.as_ref().is_some_and(|local| local.origin == Origin::AnotherServer);
    Ok(Terms {
        index: parameter("IndexCode")?.parse()?,
        segment: parameter("Segment")?.parse()?,
        first_date: first_date.with_context(|| format!("FirstMonth is {first_month:?}"))?,
        server: if any_server { None } else { Some(parameter("B3BaseUrl")?.to_owned()) },
        now: Utc::now(),
    })
}

/// Checks each file, and puts what is new into landing/.
async fn put_all(
    named: &[PathBuf],
    stack: &Stack,
    terms: &Terms,
    progress: &Progress,
) -> Result<Report> {
    /// Enough to keep both ends busy; as many files are in memory.
    const AT_ONCE: usize = 16;
    let (files, failed) = paths::expand(named);
    let what = text!(
        en: "check the files and put them into landing/",
        pt: "conferir os arquivos e gravá-los em landing/",
    );
    let step = progress.step("import", what);
    step.total(files.len());
    let mut landed = Landed::default();
    for key in stack.keys(&LandingKey::prefix_of_index(&terms.index)).await? {
        landed.add(&key.parse()?);
    }
    let mut report = Report::default();
    let mut refuse = |file, refused| report.refused.push(RefusedFile { file, refused });
    for (path, reason) in failed {
        refuse(path, Refused::unreadable(reason));
    }
    // All of them before the first is put, so that their order decides nothing.
    let judged = stream::iter(files).map(async |file| {
        let judged = judge_apart(&file, terms).await?.map(|accepted| accepted.key);
        anyhow::Ok((file, judged))
    });
    let mut accepted = Vec::new();
    for (file, judged) in judged.buffered(AT_ONCE).try_collect::<Vec<_>>().await? {
        match judged {
            Ok(key) => accepted.push((file, key)),
            Err(refused) => {
                step.advance();
                refuse(file, refused);
            }
        }
    }
    // Of those that are equal in this, the one that was named first.
    accepted.sort_by_key(|(_, key)| order(key));
    let mut new = Vec::new();
    for (file, key) in accepted {
        match landed.verdict(&key) {
            Verdict::New => {
                landed.add(&key);
                new.push((file, key));
                continue;
            }
            Verdict::There(landing_key) => report.there.push(There { file, landing_key }),
            Verdict::SameTime(there) => {
                report.refused.push(RefusedFile { file, refused: Refused::same_time(&there) });
            }
        }
        step.advance();
    }
    let outcomes = stream::iter(new).map(async |(file, key)| {
        let outcome = put(&file, key, stack, terms).await;
        step.advance();
        outcome.with_context(|| {
            let file = file.display();
            text!(en: "cannot import {file}", pt: "não foi possível importar {file}")
        })
    });
    for outcome in outcomes.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await? {
        match outcome {
            Outcome::Taken(mut taken) => {
                taken.newer = landed.newer(&taken.landing_key);
                report.taken.push(taken);
            }
            Outcome::There(there) => report.there.push(there),
            Outcome::Refused(refused) => report.refused.push(refused),
        }
    }
    report.sort();
    step.done(report.numbers());
    Ok(report)
}

enum Outcome {
    Taken(Taken),
    There(There),
    Refused(RefusedFile),
}

/// Puts a file that was judged before. It is read again, because thousands of files would fill the memory.
async fn put(file: &Path, key: LandingKey, stack: &Stack, terms: &Terms) -> Result<Outcome> {
    let judged = judge_apart(file, terms).await?;
    let file = file.to_path_buf();
    let body = match judged {
        Ok(accepted) if accepted.key == key => accepted.body,
        Ok(_) => {
            let reason = text!(
                en: "it has changed during the import", pt: "mudou durante a importação",
            );
            let refused = Refused::unreadable(reason);
            return Ok(Outcome::Refused(RefusedFile { file, refused }));
        }
        Err(refused) => return Ok(Outcome::Refused(RefusedFile { file, refused })),
    };
    let written = stack.put_new(&key.to_string(), body).await?;
    Ok(match written {
        true => Outcome::Taken(Taken { file, landing_key: key, newer: None }),
        false => Outcome::There(There { file, landing_key: key }),
    })
}

async fn judge_apart(file: &Path, terms: &Terms) -> Result<Result<Accepted, Refused>> {
    let (file, terms) = (file.to_path_buf(), terms.clone());
    Ok(tokio::task::spawn_blocking(move || judge(&file, &terms)).await?)
}
