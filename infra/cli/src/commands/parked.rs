use anyhow::Result;
use chrono::{DateTime, Utc};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use futures::future::try_join_all;
use harness::{
    aws::one_line,
    stack::{
        QueueCounts, Stack, Stage,
        dead_letters::{self, Group, Parked, Selection},
    },
};
use serde_json::{Map, Value, json};

use super::with_stack;
use crate::{
    advice::{Advice, quoted},
    args::ParkedArgs,
    output::print_line,
};

/// Attributes that are shown first, in this order. Stage and error are in the first line.
const SHOWN_FIRST: [&str; 6] = ["code", "class", "object", "request_id", "attempts", "parked_at"];
/// How many messages are printed unless `--limit` says otherwise.
const SHOWN: usize = 10;

/// What the dead-letter queues hold.
struct Found {
    /// Those that are wanted, the oldest first.
    messages: Vec<Parked>,
    /// How many there are besides that could not be read.
    unread: usize,
}

/// Shows the messages in the dead-letter queues.
pub(crate) async fn parked(args: &ParkedArgs) -> Result<()> {
    let stages = args.stage.map_or_else(|| Stage::ALL.to_vec(), |stage| vec![stage]);
    let selection = Selection { code: args.code.clone(), message: None };
    with_stack(&args.stack, async |stack| {
        let found = read(&stack, stages, &selection).await?;
        if args.json {
            return print_line(document(&found, args.limit));
        }
        print_groups(&found.messages)?;
        if args.stage.is_some() || args.code.is_some() || args.limit.is_some() {
            print_messages(&found.messages, args.limit.unwrap_or(SHOWN))?;
        }
        print_line(format_args!("{} parked", found.messages.len()))?;
        if found.unread > 0 {
            print_line(format_args!(
                "and about {} more, which somebody else is looking at: ask again in a minute",
                found.unread
            ))?;
        }
        print_next(&found.messages, &Advice::about(&args.stack))
    })
    .await
}

async fn read(stack: &Stack, stages: Vec<Stage>, selection: &Selection) -> Result<Found> {
    let read = stages.into_iter().map(async |stage| {
        let counts: QueueCounts = dead_letters::counts(stack, stage).await?;
        anyhow::Ok((counts, dead_letters::peek(stack, stage).await?))
    });
    let mut found = Found { messages: Vec::new(), unread: 0 };
    for (counts, messages) in try_join_all(read).await? {
        found.unread += counts.total().saturating_sub(messages.len());
        found.messages.extend(messages.into_iter().filter(|message| selection.takes(message)));
    }
    Ok(found)
}

fn print_groups(messages: &[Parked]) -> Result<()> {
    let groups = Group::of(messages);
    if groups.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header(["stage", "code", "count", "first", "last", "cause of the last"]);
    for group in groups {
        let (first, last) = (time(group.first), time(group.last));
        let count = group.count.to_string();
        table.add_row([group.stage, group.code, count, first, last, one_line(&group.cause)]);
    }
    print_line(table)
}

fn print_messages(messages: &[Parked], limit: usize) -> Result<()> {
    messages.iter().take(limit).try_for_each(|message| print_line(describe(message)))?;
    match messages.len().saturating_sub(limit) {
        0 => Ok(()),
        left => print_line(format_args!(
            "{left} more are not shown; to see them all: --limit {}",
            messages.len()
        )),
    }
}

/// What to type next about each stage.
fn print_next(messages: &[Parked], advice: &Advice) -> Result<()> {
    for stage in Stage::ALL {
        let mut of_stage = messages.iter().filter(|message| message.stage == stage);
        let Some(first) = of_stage.next() else { continue };
        let alike = of_stage.all(|other| other.code() == first.code());
        let filter =
            if alike { String::new() } else { format!(" --code {}", quoted(first.code())) };
        let look = advice.command(&format!("parked {stage}{filter}"));
        let replay = advice.command(&format!("redrive {stage}{filter}"));
        print_line(format_args!("{stage}: look: {look}; once the cause is put right: {replay}"))?;
    }
    Ok(())
}

fn document(found: &Found, limit: Option<usize>) -> Value {
    let messages = found.messages.iter().take(limit.unwrap_or(usize::MAX)).map(|message| {
        let attributes =
            message.attributes.iter().map(|(name, value)| (name.clone(), json!(value)));
        json!({
            "stage": message.stage.name(),
            "id": message.id,
            "code": message.code(),
            "parked_at": message.parked_at(),
            "attributes": attributes.collect::<Map<_, _>>(),
            "body": message.body,
        })
    });
    json!({
        "total": found.messages.len(),
        "unread": found.unread,
        "groups": Group::of(&found.messages),
        "messages": messages.collect::<Vec<_>>(),
    })
}

/// One message with everything that is known about it.
pub(super) fn describe(message: &Parked) -> String {
    let others = message.attributes.keys().map(String::as_str);
    let others =
        others.filter(|name| !SHOWN_FIRST.contains(name) && !["stage", "error"].contains(name));
    let mut lines = vec![format!("{}: {}", message.stage, message.cause())];
    lines.extend(
        SHOWN_FIRST
            .into_iter()
            .chain(others)
            .filter_map(|name| message.attribute(name).map(|value| format!("  {name}: {value}"))),
    );
    lines.push(format!("  parked as: {}", message.id));
    lines.push(format!("  message: {}", message.body));
    lines.join("\n")
}

fn time(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "not known".to_owned(), |time| time.format("%F %TZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_a_rule_could_not_deliver_says_why() {
        let attributes = [("ERROR_CODE", "NO_PERMISSIONS"), ("RULE_ARN", "arn:of:a:rule")];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let parked = Parked {
            stage: Stage::Completion,
            id: "m-1".to_owned(),
            body: "{}".to_owned(),
            attributes: attributes.into(),
            sent_at: None,
        };
        let lines = describe(&parked);
        assert!(lines.contains("\n  ERROR_CODE: NO_PERMISSIONS\n  RULE_ARN: arn:of:a:rule\n"));
        assert!(lines.ends_with("  parked as: m-1\n  message: {}"), "{lines}");
    }
}
