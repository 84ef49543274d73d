use std::{collections::HashSet, path::PathBuf, time::Duration};

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use harness::{
    checkout::Workspace,
    emulator::Logs,
    stack::{
        Stack, Stage,
        logs::{self, About, LogLine},
    },
};
use serde_json::Value;

use super::with_stack;
use crate::{args::LogsArgs, output::print_line, running_stack::RunningStack};

/// Between two looks of `-f`.
const PAUSE: Duration = Duration::from_secs(2);
/// How late CloudWatch may show a line.
const LATE: TimeDelta = TimeDelta::seconds(60);
/// Fields that stand at the beginning of a line, or that no reader needs.
const TOLD_OTHERWISE: [&str; 5] = ["timestamp", "level", "message", "target", "spans"];

/// Where a stage's log is.
enum Source<'a> {
    File(PathBuf),
    CloudWatch(&'a Stack, Stage),
}

/// Looks at the same log, each of which has lines of the one before.
struct Looks {
    about: Option<About>,
    /// Lines of the last look that were printed then or earlier.
    printed: HashSet<LogLine>,
}

impl Looks {
    fn at(message: Option<&str>) -> Self {
        Self { about: message.map(About::message), printed: HashSet::new() }
    }

    /// The lines of a look that were not printed yet.
    fn news(&mut self, lines: Vec<LogLine>) -> Vec<LogLine> {
        let mut wanted = match &mut self.about {
            Some(about) => about.of(lines),
            None => lines,
        };
        let all: HashSet<LogLine> = wanted.iter().cloned().collect();
        wanted.retain(|line| !self.printed.contains(line));
        self.printed = all;
        wanted
    }
}

/// Prints what a stage's function logged.
pub(crate) async fn logs(args: &LogsArgs) -> Result<()> {
    let local = match args.stack.stack {
        Some(_) => None,
        None => Some(RunningStack::find(&Workspace::locate()?)?.folder),
    };
    with_stack(&args.stack, async |stack| {
        let source = match &local {
            Some(folder) => Source::File(Logs::new(folder).function(&stack, args.stage)),
            None => Source::CloudWatch(&stack, args.stage),
        };
        let mut since = Utc::now() - TimeDelta::from_std(args.since)?;
        let mut looks = Looks::at(args.message.as_deref());
        loop {
            let looked_at = Utc::now();
            let news = looks.news(read(&source, since).await?);
            news.iter().try_for_each(|line| print_line(readable(line)))?;
            if !args.follow {
                return Ok(());
            }
            since = since.max(looked_at - LATE);
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await
}

async fn read(source: &Source<'_>, since: DateTime<Utc>) -> Result<Vec<LogLine>> {
    match source {
        Source::File(file) => logs::of_file(file, since),
        Source::CloudWatch(stack, stage) => logs::of_stack(stack, *stage, since).await,
    }
}

/// Time, level, message and then the other fields; a line of another program as it is.
fn readable(line: &LogLine) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(&line.text) else {
        return line.text.clone();
    };
    let text = |name: &str| fields.get(name).map(plain).unwrap_or_default();
    let head = format!("{} {:<5} {}", text("timestamp"), text("level"), text("message"));
    let others = fields.iter().filter(|(name, _)| !TOLD_OTHERWISE.contains(&name.as_str()));
    let spans = fields.get("spans").and_then(Value::as_array).into_iter().flatten();
    let spans = spans.filter_map(Value::as_object).flatten().filter(|(name, _)| *name != "name");
    others.chain(spans).fold(head, |line, (name, value)| format!("{line}  {name}={}", plain(value)))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_prints_what_the_one_before_did_not_and_remembers_no_more_than_its_own_lines() {
        let lines = |numbers: &[u8]| -> Vec<LogLine> {
            let line = |number: &u8| LogLine {
                id: number.to_string(),
                at: None,
                text: "REPORT".to_owned(),
            };
            numbers.iter().map(line).collect()
        };
        let mut looks = Looks::at(None);
        assert_eq!(looks.news(lines(&[1, 2])), lines(&[1, 2]));
        assert_eq!(looks.news(lines(&[2, 3])), lines(&[3]));
        assert_eq!(looks.news(lines(&[2, 3])), []);
        assert_eq!(looks.printed.len(), 2);
    }

    #[test]
    fn a_line_is_readable_and_keeps_every_field_that_says_something() {
        let line = |text: &str| LogLine { id: String::new(), at: None, text: text.to_owned() };
        let logged = r#"{"timestamp":"2026-11-26T00:29:14Z","level":"INFO","message":"message handled","attempt":1,
            "message_id":"m-1","target":"shared::stage","spans":[{"requestId":"r-1","name":"invoke"}]}"#;
        let wanted =
            "2026-11-26T00:29:14Z INFO  message handled  attempt=1  message_id=m-1  requestId=r-1";
        assert_eq!(readable(&line(logged)), wanted);
        let other = "RequestId: r-1 Status: timeout";
        assert_eq!(readable(&line(other)), other);
    }
}
