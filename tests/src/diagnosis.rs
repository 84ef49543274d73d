//! The state of a stack as text, for the failure of a test that waited in vain.

use std::{fmt::Write as _, fs, path::Path};

use harness::{
    emulator::Logs,
    stack::{Stack, Stage, dead_letters},
};

const LOG_LINES: usize = 6;

/// Queues, dead-letter queues, logs and Glue runs. It never fails: errors become part of the text.
pub async fn of(stack: &Stack, logs: &Logs) -> String {
    let mut text = String::new();
    for stage in Stage::ALL {
        let waiting = match stack.waiting(stage).await {
            Ok(count) => format!("{count} waiting"),
            Err(error) => format!("{error:#}"),
        };
        let parked = match dead_letters::peek(stack, stage).await {
            Ok(parked) => parked
                .iter()
                .map(|message| format!("\n    parked: {} ({})", message.cause(), message.body))
                .collect(),
            Err(error) => format!("\n    {error:#}"),
        };
        line(&mut text, &format!("  {stage}: {waiting}{parked}"));
        line(&mut text, &tail(&logs.function(stack, stage)));
    }
    match stack.runs().await {
        Ok(runs) => {
            for run in runs {
                let id = run.id().unwrap_or_default();
                let state = run.job_run_state().map_or("?", |state| state.as_str());
                line(
                    &mut text,
                    &format!("  run {id}: {state} {}", run.error_message().unwrap_or_default()),
                );
                line(&mut text, &tail(&logs.glue_run(id)));
            }
        }
        Err(error) => line(&mut text, &format!("  runs: {error:#}")),
    }
    line(&mut text, &format!("  all logs: {}", logs.folder().display()));
    text
}

fn line(text: &mut String, added: &str) {
    // Writing to a String cannot fail.
    let _written = writeln!(text, "{added}");
}

fn tail(log: &Path) -> String {
    let content = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = content.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
    last.iter().map(|line| format!("    | {line}")).collect::<Vec<_>>().join("\n")
}
