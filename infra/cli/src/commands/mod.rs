//! The commands that work with a stack that is up.

pub(crate) mod run;

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;
use harness::{
    checkout::Workspace,
    progress::Progress,
    stack::{Stack, Stage, athena, dead_letters, dead_letters::Parked},
};
use shared::events::RefineRequest;

use crate::{
    account::Account,
    args::{B3Args, FetchArgs, ParkedArgs, QueryArgs, RedriveArgs, RefineArgs, StackArgs},
    running_stack::Kept,
    table,
};

/// Sends a fetch request.
///
/// # Errors
/// When there is no stack or it cannot be sent to.
pub(crate) async fn fetch(args: &FetchArgs) -> Result<()> {
    with_stack(&args.stack, async |stack| {
        let id = stack.request_fetch(args.index.as_deref(), args.segment.as_deref()).await?;
        println!("sent to {} as message {id}", stack.queue_url(Stage::Fetch)?);
        Ok(())
    })
    .await
}

/// Shows what lies in the dead-letter queues.
///
/// # Errors
/// When there is no stack or a queue cannot be read.
pub(crate) async fn parked(args: &ParkedArgs) -> Result<()> {
    let stages = args.stage.map_or_else(|| Stage::ALL.to_vec(), |stage| vec![stage]);
    with_stack(&args.stack, async |stack| show_parked(&stack, stages).await).await
}

async fn show_parked(stack: &Stack, stages: Vec<Stage>) -> Result<()> {
    let read = stages.into_iter().map(async |stage| {
        let depth = dead_letters::depth(stack, stage).await?;
        anyhow::Ok((depth, dead_letters::peek(stack, stage).await?))
    });
    let (mut total, mut unread) = (0, 0);
    for (depth, messages) in try_join_all(read).await? {
        total += messages.len();
        unread += depth.saturating_sub(messages.len());
        messages.iter().for_each(|message| println!("{}", describe(message)));
    }
    println!("{total} parked");
    if unread > 0 {
        println!(
            "and about {unread} more, which somebody else is looking at: ask again in a minute"
        );
    }
    Ok(())
}

fn describe(message: &Parked) -> String {
    let mut lines = vec![format!("{}: {}", message.stage, message.cause())];
    let known = ["kind", "class", "object", "request_id", "attempts", "parked_at"];
    let others = message.attributes.keys().map(String::as_str);
    let others = others.filter(|name| !known.contains(name) && !["stage", "error"].contains(name));
    lines.extend(
        known
            .into_iter()
            .chain(others)
            .filter_map(|name| message.attribute(name).map(|value| format!("  {name}: {value}"))),
    );
    lines.push(format!("  message: {}", message.body));
    lines.join("\n")
}

/// Sends a dead-letter queue back to its queue.
///
/// # Errors
/// When there is no stack or SQS fails.
pub(crate) async fn redrive(args: &RedriveArgs) -> Result<()> {
    let RedriveArgs { stage, .. } = *args;
    with_stack(&args.stack, async |stack| {
        let step =
            Progress::stderr().step("redrive", format!("empty the {stage} dead-letter queue"));
        let moved = dead_letters::redrive(&stack, stage).await?;
        step.done(format_args!("{moved} moved"));
        println!("{moved} moved back to the {stage} queue");
        Ok(())
    })
    .await
}

/// Asks for one date to be refined.
///
/// # Errors
/// When there is no stack or it cannot be sent to.
pub(crate) async fn refine(args: &RefineArgs) -> Result<()> {
    let RefineArgs { date, force, .. } = *args;
    let request = RefineRequest { date, force, retry_of: None };
    with_stack(&args.stack, async |stack| {
        let id = stack.send(Stage::Glue, &serde_json::to_string(&request)?).await?;
        println!("sent to {} as message {id}", stack.queue_url(Stage::Glue)?);
        Ok(())
    })
    .await
}

/// Tells the stand-in server how to answer.
///
/// # Errors
/// When none is up, or it does not know the answer.
pub(crate) async fn b3(args: &B3Args) -> Result<()> {
    let kept = Kept::read(&Workspace::locate()?)?;
    let control = kept.b3_control_url.context("the local stack that is up asks another server; start one with `cargo ibov run --sample --keep`")?;
    if let Some(date) = args.date {
        order(&control, "date", date.to_string()).await?;
        println!("the sample is of {date} from now on");
    }
    order(&control, "answer", args.answer.clone()).await?;
    println!("B3 answers {:?} from now on", args.answer);
    Ok(())
}

async fn order(control: &str, what: &str, order: String) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(format!("{control}/{what}")).body(order);
    let answer = request.send().await.context("the stand-in B3 server takes no orders")?;
    if !answer.status().is_success() {
        bail!("{}", answer.text().await?);
    }
    Ok(())
}

/// Runs a query and prints its answer.
///
/// # Errors
/// When there is no stack or Athena fails.
pub(crate) async fn query(args: &QueryArgs) -> Result<()> {
    with_stack(&args.stack, async |stack| {
        println!("{}", table::answer(&athena::query(&stack, &args.sql).await?));
        Ok(())
    })
    .await
}

/// Does `work` on the stack that is meant: the kept one, or one in AWS.
async fn with_stack(args: &StackArgs, work: impl AsyncFnOnce(Stack) -> Result<()>) -> Result<()> {
    let Some(name) = &args.stack else {
        return work(Kept::read(&Workspace::locate()?)?.stack()).await;
    };
    let account = Account::from_environment().await?;
    let done = match Stack::describe(account.clients(), name).await {
        Ok(stack) => work(stack).await,
        Err(error) => Err(error),
    };
    done.map_err(|error| account.explain(error, name))
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
