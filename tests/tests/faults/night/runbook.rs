//! The runbook's commands, typed on a stack.

use std::{collections::BTreeSet, fs};

use anyhow::Result;
use e2e::{days, faults::Bench, local, operator::Operator};
use harness::stack::Stage;

use super::selection::park;

const STACK: &str = "night-runbook";

/// What the page has between backquotes or as lines of a block, of `ibov`; each once.
fn commands(page: &str) -> BTreeSet<&str> {
    let in_text = page.split('`').skip(1).step_by(2);
    let in_blocks = page.lines().map(|line| line.split(" # ").next().unwrap_or(line).trim());
    let commands = in_text.chain(in_blocks).filter(|code| !code.contains('\n'));
    commands.filter(|code| code.starts_with("ibov ") && code.contains(" --stack ")).collect()
}

#[test]
fn every_command_of_the_runbook_works_on_a_stack() -> Result<()> {
    local::run(async {
        let bench = Bench::deploy(STACK).await?;
        let operator = Operator::of(STACK, bench.endpoint()).await?;
        let date = days::session(0);
        bench.fetch(date).await?;
        bench.refined(date).await?;
        let page = fs::read_to_string(local::in_workspace("docs/runbook.md")?)?;
        let commands = commands(&page);
        assert!(commands.len() > 15, "{commands:?}");
        for command in commands {
            let command = command
                .replace("--stack ibov", &format!("--stack {STACK}"))
                .replace("2026-11-20", &date.to_string());
            let words = command.split_whitespace().map(str::to_owned);
            let mut words: Vec<_> = words.skip(1).collect();
            if let Some(id) = words.iter_mut().find(|word| *word == "ID") {
                *id = park(&bench, Stage::Fetch, "b3-html", "{}").await?;
            }
            if command.starts_with("ibov discard ") {
                words.push("--yes".to_owned());
            }
            let ended = operator.types_whole(&words).await?;
            // Whether all is well is not what is asked here.
            let is_fine = ended.code == Some(0)
                || ended.code == Some(1) && command.starts_with("ibov status ");
            assert!(is_fine, "{command}: {:?}\n{}{}", ended.code, ended.stdout, ended.stderr);
        }
        bench.refined(date).await?;
        assert_eq!(bench.dead_letters().await?, 0, "what was parked is replayed or discarded");
        Ok(())
    })
}
