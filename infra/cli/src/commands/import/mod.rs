//! `ibov import`: files that were kept elsewhere become landing objects, and go on from there as fetched ones do.

mod kept;
mod landed;
mod paths;
mod report;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use chrono::{NaiveDate, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use harness::{
    failure::Failure,
    processes::Processes,
    progress::Progress,
    stack::Stack,
    unfinished::{Unfinished, until_finished},
};
use shared::keys::LandingKey;

pub(super) use self::landed::has_no_time;
use self::{
    kept::{Accepted, Refused, Terms, judge},
    landed::Landed,
    report::{RefusedFile, Report, Taken, There},
};
use super::{
    chain::{Chain, with_chain},
    run::signals,
};
use crate::{
    args::ImportArgs,
    lake::Origin,
    output::{plural, print_line, text},
};

/// Imports, and in any case ends everything that it started.
pub(crate) async fn import(args: &ImportArgs) -> ExitCode {
    let (progress, processes) = (Progress::stderr().beginning_with("import"), Processes::default());
    let mut refused = 0;
    let work = async {
        with_chain(&args.chain, &processes, &progress, async |chain| {
            refused = carry_out(args, &chain, &progress).await?;
            Ok(())
        })
        .await
    };
    let done = tokio::select! {
        done = work => done,
        signal = signals::ending() => signal.and_then(|signal| {
            let advice = text!(
                en: "; what was taken so far stays, and the same command again takes the rest",
                pt: "; o que já foi aceito fica, e o mesmo comando aceita o resto",
            );
            Err(signal.failure(progress.current_stage(), &advice).into())
        }),
    };
    processes.end_all().await;
    match done {
        Ok(()) if refused == 0 => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            let failure = Failure::of(error, progress.current_stage(), None);
            progress.say(format_args!("\n{failure}"));
            ExitCode::from(failure.exit.code())
        }
    }
}

/// Returns how many files were refused.
async fn carry_out(args: &ImportArgs, chain: &Chain, progress: &Progress) -> Result<usize> {
    let stack = &chain.stack;
    let terms = terms(chain).await?;
    let tracker = chain.tracker();
    let before = match &tracker {
        Some(tracker) => Some(tracker.snapshot().await?),
        None => None,
    };
    if tracker.is_some() {
        // What an interrupted import put into landing/ without the messages that would have gone on.
        Unfinished::find(stack, &terms.index).await?.resume(stack).await?;
    }
    let mut report = put_all(&args.files, stack, &terms, progress).await?;
    report.lake = chain.local.as_ref().map(|local| local.lake.clone());
    let refined = match (&tracker, &before) {
        (Some(tracker), Some(before)) => {
            let step = progress
                .step("refine", text!(en: "refine what is new", pt: "refinar o que é novo"));
            let left = |dates| {
                let (en, pt) = (plural(dates, "date", "dates"), plural(dates, "data", "datas"));
                step.note(text!(en: "{dates} {en} left", pt: "{dates} {pt} a refinar"));
            };
            // A day of years ago may be odd beside its neighbours and right all the same.
            let watch = async || tracker.fail_if_anything_was_parked(before).await;
            let waited = until_finished(stack, &terms.index, tracker, before, &watch, left).await;
            if waited.is_ok() {
                report.refined = true;
                step.done(text!(en: "nothing is left", pt: "não falta nada"));
                for mail in tracker.alerts(before)? {
                    progress.say(format_args!("  ! {}", mail.subject()));
                }
            }
            waited
        }
        (None, _) | (_, None) => Ok(()),
    };
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
    refined?;
    Ok(report.refused.len())
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
    let landed = Mutex::new(landed);
    let outcomes = stream::iter(files).map(async |file| {
        let outcome = put(&file, stack, terms, &landed).await;
        step.advance();
        outcome.with_context(|| {
            let file = file.display();
            text!(en: "cannot import {file}", pt: "não foi possível importar {file}")
        })
    });
    let outcomes = outcomes.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
    let landed = landed.into_inner().unwrap_or_else(PoisonError::into_inner);
    let unreadable = failed.into_iter().map(|(file, reason)| {
        Outcome::Refused(RefusedFile { file, refused: Refused::unreadable(reason) })
    });
    let mut report = Report::default();
    for outcome in outcomes.into_iter().chain(unreadable) {
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

async fn put(file: &Path, stack: &Stack, terms: &Terms, landed: &Mutex<Landed>) -> Result<Outcome> {
    let judged = {
        let (file, terms) = (file.to_path_buf(), terms.clone());
        tokio::task::spawn_blocking(move || judge(&file, &terms)).await?
    };
    let file = file.to_path_buf();
    let Accepted { key, body } = match judged {
        Ok(accepted) => accepted,
        Err(refused) => return Ok(Outcome::Refused(RefusedFile { file, refused })),
    };
    let superfluous = {
        let mut landed = landed.lock().unwrap_or_else(PoisonError::into_inner);
        let superfluous = landed.makes_superfluous(&key);
        if superfluous.is_none() {
            // Before it is there, lest the same content come from two files at once.
            landed.add(&key);
        }
        superfluous
    };
    if let Some(landing_key) = superfluous {
        return Ok(Outcome::There(There { file, landing_key }));
    }
    let written = stack.put_new(&key.to_string(), body).await?;
    Ok(match written {
        true => Outcome::Taken(Taken { file, landing_key: key, newer: None }),
        false => Outcome::There(There { file, landing_key: key }),
    })
}
