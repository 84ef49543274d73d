use anyhow::Result;
use chrono::{DateTime, Utc};
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
    output::{Column, Language, Screen, Table, Value as Cell, plural, print_line, text},
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
        let in_detail = args.stage.is_some() || args.code.is_some() || args.limit.is_some();
        if in_detail {
            print_messages(&found.messages, args.limit.unwrap_or(SHOWN))?;
        }
        let language = Language::current();
        let (total, unread) = (found.messages.len(), found.unread);
        let word = plural(total, "retida", "retidas");
        print_line(text!(language, en: "{total} parked", pt: "{total} {word}"))?;
        if unread > 0 {
            print_line(text!(
                language,
                en: "and about {unread} more, which another reader holds: ask again in a minute",
                pt: "e cerca de mais {unread}, em uso por outro leitor: pergunte de novo em um minuto",
            ))?;
        }
        print_next(&found.messages, in_detail, &Advice::about(&args.stack))
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
    let screen = Screen::stdout();
    let language = screen.language;
    let mut table = Table::new([
        Column::text(text!(language, en: "stage", pt: "etapa")),
        Column::text(text!(language, en: "code", pt: "código")),
        Column::number(text!(language, en: "count", pt: "quantas")),
        Column::text(text!(language, en: "first", pt: "primeira")).drops(2),
        Column::text(text!(language, en: "last", pt: "última")),
        Column::text(text!(language, en: "cause of the last", pt: "causa da última")).drops(1),
    ]);
    for group in groups {
        table.row([
            Cell::text(group.stage),
            Cell::text(group.code),
            Cell::number(group.count),
            time(group.first),
            time(group.last),
            Cell::text(one_line(&group.cause)),
        ]);
    }
    print_line(table.render(screen))
}

fn print_messages(messages: &[Parked], limit: usize) -> Result<()> {
    messages.iter().take(limit).try_for_each(|message| print_line(describe(message)))?;
    match messages.len().saturating_sub(limit) {
        0 => Ok(()),
        left => {
            let all = messages.len();
            print_line(text!(
                Language::current(),
                en: "{left} more are not shown; to see them all: --limit {all}",
                pt: "outras {left} não aparecem; para ver todas: --limit {all}",
            ))
        }
    }
}

/// What to type next about each stage: to look, unless the messages themselves are printed, and to repair.
fn print_next(messages: &[Parked], in_detail: bool, advice: &Advice) -> Result<()> {
    for stage in Stage::ALL {
        let mut of_stage = messages.iter().filter(|message| message.stage == stage);
        let Some(first) = of_stage.next() else { continue };
        let alike = of_stage.all(|other| other.code() == first.code());
        let filter =
            if alike { String::new() } else { format!(" --code {}", quoted(first.code())) };
        let look = advice.command(&format!("parked {stage}{filter}"));
        let replay = advice.command(&format!("redrive {stage}{filter}"));
        let language = Language::current();
        if !in_detail {
            print_line(
                text!(language, en: "see the messages: {look}", pt: "ver as mensagens: {look}"),
            )?;
        }
        print_line(text!(
            language,
            en: "once the cause is put right: {replay}",
            pt: "resolvida a causa: {replay}",
        ))?;
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
    let (id, body) = (&message.id, &message.body);
    lines.push(text!(en: "  parked as: {id}", pt: "  retida como: {id}"));
    lines.push(text!(en: "  message: {body}", pt: "  mensagem: {body}"));
    lines.join("\n")
}

fn time(time: Option<DateTime<Utc>>) -> Cell {
    time.map_or(Cell::Missing, |time| Cell::text(time.format("%F %TZ")))
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
