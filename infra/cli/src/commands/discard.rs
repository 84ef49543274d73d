use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead as _, IsTerminal as _, Write as _},
};

use anyhow::{Result, bail};
use futures::future::try_join_all;
use harness::stack::{
    Stack, Stage,
    dead_letters::{self, Parked, Selection},
};

use super::{parked::describe, with_stack};
use crate::{advice::Advice, args::DiscardArgs, output::print_line};

/// Deletes one message from the dead-letter queue that it lies in: exactly what it has shown. An id that stands for
/// several is a question of its own, so it needs a person to ask.
pub(crate) async fn discard(args: &DiscardArgs) -> Result<()> {
    if !args.yes && !io::stdin().is_terminal() {
        bail!(
            "nobody can be asked here whether to delete message {}; if you are sure: --yes",
            args.message
        );
    }
    let selection = Selection { code: None, message: Some(args.message.clone()) };
    with_stack(&args.stack, async |stack| {
        let found = find(&stack, &selection).await?;
        let look = Advice::about(&args.stack).command("parked --limit 100");
        if found.is_empty() {
            bail!("no dead-letter queue has a message {} that can be read now; see what is there: {look}", args.message);
        }
        found.iter().try_for_each(|message| print_line(describe(message)))?;
        if args.yes {
            selection.check_one(&found)?;
        } else if !is_agreed(found.len())? {
            return print_line("nothing was deleted");
        }
        let mut kept = found.len();
        for (stage, ids) in by_stage(&found) {
            let deleted = dead_letters::discard(&stack, stage, &ids).await?;
            print_line(format_args!("{deleted} deleted from the {stage} dead-letter queue"))?;
            kept = kept.saturating_sub(deleted);
        }
        if kept > 0 {
            bail!("{kept} not deleted, as another reader holds or has taken what was shown; see in a minute: {look}");
        }
        Ok(())
    })
    .await
}

async fn find(stack: &Stack, selection: &Selection) -> Result<Vec<Parked>> {
    let read = Stage::ALL.map(|stage| dead_letters::peek(stack, stage));
    let mut found: Vec<Parked> = try_join_all(read).await?.into_iter().flatten().collect();
    found.retain(|message| selection.takes(message));
    Ok(found)
}

fn by_stage(messages: &[Parked]) -> BTreeMap<Stage, BTreeSet<&str>> {
    let mut ids = BTreeMap::<_, BTreeSet<_>>::new();
    for message in messages {
        ids.entry(message.stage).or_default().insert(message.id.as_str());
    }
    ids
}

fn is_agreed(count: usize) -> Result<bool> {
    let what =
        if count == 1 { "this message".to_owned() } else { format!("these {count} messages") };
    eprint!("Delete {what} for good? Nothing replays it then. [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "s" | "S" | "sim"))
}
