//! What a stage's function logged, in CloudWatch Logs or in the file of a local run.

use std::{collections::BTreeSet, fs, io::ErrorKind, path::Path};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    aws::Service,
    stack::{Stack, Stage},
};

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogLine {
    /// The same each time that the line is read, and another for each line of AWS.
    pub id: String,
    /// `None` for a line that says no time.
    pub at: Option<DateTime<Utc>>,
    /// One JSON document, unless something else than our code wrote it.
    pub text: String,
}

/// Reads what CloudWatch Logs has of a stage's function since a time, in order.
pub async fn of_stack(stack: &Stack, stage: Stage, since: DateTime<Utc>) -> Result<Vec<LogLine>> {
    let group = format!("/aws/lambda/{}", stack.function_name(stage));
    let mut input = json!({"logGroupName": group, "startTime": since.timestamp_millis()});
    let mut lines = Vec::new();
    loop {
        let answer = stack.clients.json.call(Service::Logs, "FilterLogEvents", &input).await;
        let answer = answer.with_context(|| format!("cannot read the log group {group}"))?;
        let events = answer.get("events").and_then(Value::as_array).into_iter().flatten();
        lines.extend(events.map(|event| {
            let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
            LogLine {
                id: text("eventId").to_owned(),
                at: event
                    .get("timestamp")
                    .and_then(Value::as_i64)
                    .and_then(DateTime::from_timestamp_millis),
                text: text("message").trim_end().to_owned(),
            }
        }));
        match (answer.get("nextToken"), input.as_object_mut()) {
            (Some(Value::String(token)), Some(fields)) => {
                fields.insert("nextToken".to_owned(), token.clone().into());
            }
            _ => break,
        }
    }
    lines.sort_by_key(|line| line.at);
    Ok(lines)
}

/// Reads the file of a local function since a time. A line that is still being written is left for the next time.
pub fn of_file(file: &Path, since: DateTime<Utc>) -> Result<Vec<LogLine>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        // The function was not called yet.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    let complete = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    let lines = complete.lines().enumerate().map(|(number, line)| LogLine {
        id: number.to_string(),
        at: field(line, "timestamp").and_then(|time| time.parse().ok()),
        text: line.to_owned(),
    });
    Ok(lines.filter(|line| line.at.is_none_or(|at| at >= since)).collect())
}

/// The lines about a message: those that name it, and those of the same invocations that name no message, such as the
/// end of the function's time. These may come at a later look than the ones that name it.
#[derive(Debug, Clone)]
pub struct About {
    message: String,
    invocations: BTreeSet<String>,
}

impl About {
    pub fn message(id: &str) -> Self {
        Self { message: id.to_owned(), invocations: BTreeSet::new() }
    }

    /// Those of the lines that are about the message.
    pub fn of(&mut self, mut lines: Vec<LogLine>) -> Vec<LogLine> {
        let Self { message, invocations } = self;
        let names_it = |line: &LogLine| line.text.contains(message.as_str());
        invocations.extend(lines.iter().filter(|line| names_it(line)).filter_map(request_id));
        let of_invocation = |line: &LogLine| {
            let names_none = !line.text.contains("\"message_id\"");
            names_none && invocations.iter().any(|id| line.text.contains(id.as_str()))
        };
        lines.retain(|line| names_it(line) || of_invocation(line));
        lines
    }
}

fn field(line: &str, name: &str) -> Option<String> {
    let document: Value = serde_json::from_str(line).ok()?;
    document.get(name)?.as_str().map(str::to_owned)
}

fn request_id(line: &LogLine) -> Option<String> {
    let document: Value = serde_json::from_str(&line.text).ok()?;
    let spans = document.get("spans")?.as_array()?;
    spans.iter().find_map(|span| span.get("requestId")?.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> LogLine {
        LogLine { id: text.to_owned(), at: None, text: text.to_owned() }
    }

    #[test]
    fn a_message_has_its_own_lines_and_those_of_its_invocation_that_name_none() {
        let spans = r#""spans":[{"requestId":"r-1"}]"#;
        let (own, other, crash, foreign) = (
            format!(r#"{{"message":"parked","message_id":"m-1",{spans}}}"#),
            format!(r#"{{"message":"handled","message_id":"m-2",{spans}}}"#),
            "r-1 Task timed out after 60.00 seconds",
            "r-2 Task timed out after 60.00 seconds",
        );
        let texts = |lines: Vec<LogLine>| -> Vec<String> {
            lines.into_iter().map(|line| line.text).collect()
        };
        let lines = [own.as_str(), &other, crash, foreign].map(line).to_vec();
        assert_eq!(texts(About::message("m-1").of(lines)), [own.as_str(), crash]);

        let mut about = About::message("m-1");
        assert_eq!(texts(about.of([own.as_str(), &other].map(line).to_vec())), [own.as_str()]);
        assert_eq!(texts(about.of([crash, foreign].map(line).to_vec())), [crash], "a later look");
    }

    #[test]
    fn a_file_is_read_since_a_time_and_a_half_written_line_waits() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ibov-fetcher.log");
        let since = "2026-11-25T10:00:00Z".parse().unwrap();
        assert!(of_file(&file, since).unwrap().is_empty(), "not called yet");
        let at = |time: &str| format!(r#"{{"timestamp":"{time}","message":"m"}}"#);
        let (old, new) = (at("2026-11-25T09:59:59Z"), at("2026-11-25T10:00:01.5Z"));
        fs::write(&file, format!("{old}\n{new}\npanicked\n{{\"time")).unwrap();
        let lines = of_file(&file, since).unwrap();
        let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, [new.as_str(), "panicked"]);
    }
}
