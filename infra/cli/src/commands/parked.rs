use anyhow::Result;
use futures::future::try_join_all;
use harness::stack::{
    Stack, Stage,
    dead_letters::{self, Parked},
};

use super::with_stack;
use crate::{args::ParkedArgs, output::print_line};

/// Attributes that are shown first, in this order. Stage and error are in the first line.
const SHOWN_FIRST: [&str; 6] = ["code", "class", "object", "request_id", "attempts", "parked_at"];

/// Shows the messages in the dead-letter queues.
pub(crate) async fn parked(args: &ParkedArgs) -> Result<()> {
    let stages = args.stage.map_or_else(|| Stage::ALL.to_vec(), |stage| vec![stage]);
    with_stack(&args.stack, async |stack| show(&stack, stages).await).await
}

async fn show(stack: &Stack, stages: Vec<Stage>) -> Result<()> {
    let read = stages.into_iter().map(async |stage| {
        let depth = dead_letters::depth(stack, stage).await?;
        anyhow::Ok((depth, dead_letters::peek(stack, stage).await?))
    });
    let (mut total, mut unread) = (0, 0);
    for (depth, messages) in try_join_all(read).await? {
        total += messages.len();
        unread += depth.saturating_sub(messages.len());
        messages.iter().try_for_each(|message| print_line(describe(message)))?;
    }
    print_line(format_args!("{total} parked"))?;
    if unread > 0 {
        print_line(format_args!(
            "and about {unread} more, which somebody else is looking at: ask again in a minute"
        ))?;
    }
    Ok(())
}

fn describe(message: &Parked) -> String {
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
    lines.push(format!("  message: {}", message.body));
    lines.join("\n")
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
            body: "{}".to_owned(),
            attributes: attributes.into(),
        };
        let lines = describe(&parked);
        assert!(lines.contains("\n  ERROR_CODE: NO_PERMISSIONS\n  RULE_ARN: arn:of:a:rule\n"));
        assert!(lines.ends_with("  message: {}"), "{lines}");
    }
}
