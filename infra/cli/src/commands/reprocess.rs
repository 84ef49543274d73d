//! `ibov reprocess`: landing objects go through the chain again.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use harness::{
    failure::Failure, processes::Processes, progress::Progress, reprocess::reprocess as send_again,
    stack::dead_letters,
};
use serde_json::json;

use super::{
    chain::{Chain, with_chain},
    run::signals,
};
use crate::{
    args::ReprocessArgs,
    output::{plural, print_line, text},
};

/// What glue-trigger gets in one batch: ten messages in the emulator, 100 in AWS.
const AT_ONCE_LOCALLY: usize = 10;
const AT_ONCE: usize = 100;

/// Sends everything again, and in any case ends everything that it started.
pub(crate) async fn reprocess(args: &ReprocessArgs) -> ExitCode {
    let (progress, processes) =
        (Progress::stderr().beginning_with("reprocess"), Processes::default());
    let work = with_chain(&args.chain, &processes, &progress, async |chain| {
        carry_out(args, &chain, &progress).await
    });
    let done = tokio::select! {
        done = work => done,
        signal = signals::ending() => signal.and_then(|signal| {
            let advice = text!(
                en: "; the same command again sends everything again",
                pt: "; o mesmo comando envia tudo de novo",
            );
            Err(signal.failure(progress.current_stage(), &advice).into())
        }),
    };
    processes.end_all().await;
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = Failure::of(error, progress.current_stage(), None);
            progress.say(format_args!("\n{failure}"));
            ExitCode::from(failure.exit.code())
        }
    }
}

async fn carry_out(args: &ReprocessArgs, chain: &Chain, progress: &Progress) -> Result<()> {
    let ReprocessArgs { from, to, json, .. } = args;
    if from > to {
        bail!(
            text!(en: "--from {from} is after --to {to}", pt: "--from {from} vem depois de --to {to}")
        );
    }
    let stack = &chain.stack;
    let parameters = stack.parameters().await?;
    let index = parameters.get("IndexCode").context("the stack has no parameter IndexCode")?;
    let index = index.parse()?;
    let tracker = chain.tracker();
    let before = match &tracker {
        Some(tracker) => Some(tracker.snapshot().await?),
        None => None,
    };
    let parked_before = dead_letters::total_depth(stack).await?;
    let watch = async || match (&tracker, &before) {
        (Some(tracker), Some(before)) => tracker.fail_if_anything_was_parked(before).await,
        (None, _) | (_, None) => {
            if dead_letters::total_depth(stack).await? > parked_before {
                let name = &stack.name;
                bail!(text!(
                    en: "a message was parked; `cargo ibov parked --stack {name}` says which, and why",
                    pt: "uma mensagem foi retida; `cargo ibov parked --stack {name}` diz qual, e por quê",
                ));
            }
            Ok(())
        }
    };
    let at_once = if tracker.is_some() { AT_ONCE_LOCALLY } else { AT_ONCE };
    let dates = send_again(stack, &index, (*from, *to), at_once, &watch, progress).await?;
    let changed = dates.iter().filter(|date| date.raw_changed).count();
    if *json {
        return print_line(json!({"from": from, "to": to, "dates": dates}));
    }
    for date in &dates {
        let raw = if date.raw_changed {
            text!(en: "another raw file, refined", pt: "outro arquivo raw, refinado")
        } else {
            text!(en: "refined again", pt: "refinado de novo")
        };
        let (date, key) = (date.date, &date.landing_key);
        print_line(text!(en: "{date}: {raw}, from {key}", pt: "{date}: {raw}, de {key}"))?;
    }
    let sent = dates.len();
    let (objects, files) = (
        plural(sent, "landing object was", "landing objects were"),
        plural(changed, "raw file", "raw files"),
    );
    let (objetos, arquivos) = (
        plural(sent, "objeto de landing enviado", "objetos de landing enviados"),
        plural(changed, "arquivo raw mudou", "arquivos raw mudaram"),
    );
    print_line(text!(
        en: "{sent} {objects} sent again: {changed} {files} changed, and all dates are refined",
        pt: "{sent} {objetos} de novo: {changed} {arquivos}, e todas as datas estão refinadas",
    ))
}
