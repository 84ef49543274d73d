//! One screen about a stack, and whether it is well.

mod screen;
pub(super) mod words;

use std::time::Duration;

use anyhow::{Result, bail};
use chrono::Utc;
use harness::{
    checkout::Workspace,
    stack::{
        Stack,
        status::{self, Answers, Problem},
    },
};
use serde_json::{Value, json};

use super::with_stack;
use crate::{
    advice::Advice,
    args::{StackArgs, StatusArgs},
    lake,
    output::{Language, Screen, plural, print_line, text},
    running_stack::RunningStack,
};

/// Between two looks of `--watch`.
const PAUSE: Duration = Duration::from_secs(5);
/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

pub(crate) async fn status(args: &StatusArgs) -> Result<()> {
    if args.stack.stack.is_none() {
        say_what_is_kept()?;
    }
    with_stack(&args.stack, async |stack| {
        if args.watch {
            // What cannot be asked at first is a slip or a missing right; later it passes, as when a network is away.
            show(&stack, args, true).await?;
            loop {
                tokio::time::sleep(PAUSE).await;
                if let Err(error) = show(&stack, args, true).await {
                    eprintln!("✗ {error:#}");
                }
            }
        }
        match show(&stack, args, false).await? {
            0 => Ok(()),
            count => {
                let name = &stack.name;
                let (en, pt) =
                    (plural(count, "problem", "problems"), plural(count, "problema", "problemas"));
                bail!(text!(
                    Language::current(),
                    en: "stack {name} is not well: {count} {en}",
                    pt: "a stack {name} não está bem: {count} {pt}",
                ))
            }
        }
    })
    .await
}

/// Prints one look and returns the number of problems.
async fn show(stack: &Stack, args: &StatusArgs, clears: bool) -> Result<usize> {
    let answers = status::ask(stack, Utc::now()).await?;
    let problems = status::problems(&answers);
    if args.json {
        print_line(document(&answers, &problems, &args.stack)?)?;
    } else {
        let (screen, advice) = (Screen::stdout(), Advice::about(&args.stack));
        let clear = if clears && screen.width.is_some() { CLEAR } else { "" };
        print_line(format_args!(
            "{clear}{}",
            screen::render(&answers, &problems, &advice, screen)
        ))?;
    }
    Ok(problems.len())
}

fn document(answers: &Answers, problems: &[Problem], args: &StackArgs) -> Result<Value> {
    let (language, advice) = (Language::current(), Advice::about(args));
    let mut document = serde_json::to_value(answers)?;
    let worded = problems.iter().map(|problem| {
        let (what, next) = words::of(problem, answers, &advice, language);
        json!({"what": what, "next": next})
    });
    if let Some(fields) = document.as_object_mut() {
        fields.insert("well".to_owned(), problems.is_empty().into());
        fields.insert("problems".to_owned(), worded.collect());
    }
    Ok(document)
}

/// Without a stack that is up there still are the days on this machine.
fn say_what_is_kept() -> Result<()> {
    let workspace = Workspace::locate()?;
    let folder = workspace.private("lake");
    if RunningStack::read(&workspace)?.is_some() || !lake::has_answers(&folder) {
        return Ok(());
    }
    let (days, folder) = (lake::days(&folder), folder.display());
    let (en, pt) = (plural(days, "day", "days"), plural(days, "dia", "dias"));
    let kept = text!(
        Language::current(),
        en: "{folder} holds {days} refined {en}",
        pt: "{folder} tem {days} {pt} refinados",
    );
    // Beside the failure: standard output may have to be a document.
    eprintln!("{kept}");
    Ok(())
}
