//! `ibov reprocess`: landing objects go through the chain again.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, bail};
use harness::{
    progress::Progress,
    reprocess::{Pace, reprocess as send_again},
    stack::dead_letters::Rise,
};
use serde_json::json;

use super::{chain::Chain, frame::Frame};
use crate::{
    args::ReprocessArgs,
    output::{plural, print_line, text},
};

/// Many times what a run of the job takes, in AWS with the wait for the one before.
const TIMEOUT_LOCALLY: Duration = Duration::from_secs(15 * 60);
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Sends everything again, and in any case ends everything that it started.
pub(crate) async fn reprocess(args: &ReprocessArgs) -> ExitCode {
    let advice = text!(
        en: "; the same command again sends everything again",
        pt: "; o mesmo comando envia tudo de novo",
    );
    let frame = Frame { name: "reprocess", chain: &args.chain, json: args.json, advice: &advice };
    frame
        .carry_out(async |chain, progress| {
            carry_out(args, chain, progress).await.map(|()| ExitCode::SUCCESS)
        })
        .await
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
    let parked = Rise::begin(stack).await?;
    let watch = async || match (&tracker, &before) {
        (Some(tracker), Some(before)) => tracker.fail_if_anything_was_parked(before).await,
        (None, _) | (_, None) => {
            if let Some(stage) = parked.look(stack).await? {
                let name = &stack.name;
                bail!(text!(
                    en: "a message was parked; `cargo ibov parked {stage} --stack {name}` says which, and why",
                    pt: "uma mensagem foi retida; `cargo ibov parked {stage} --stack {name}` diz qual, e por quê",
                ));
            }
            Ok(())
        }
    };
    let (pace, limit) =
        if tracker.is_some() { (Pace::LOCAL, TIMEOUT_LOCALLY) } else { (Pace::AWS, TIMEOUT) };
    let pace = (pace, args.timeout.unwrap_or(limit));
    let dates = send_again(stack, &index, (*from, *to), pace, &watch, progress).await?;
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
