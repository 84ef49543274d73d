use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Result, bail};
use futures::future::try_join_all;
use harness::stack::{
    Stack, Stage,
    dead_letters::{self, Parked, Selection},
};

use super::{parked::describe, with_stack};
use crate::{
    advice::Advice,
    args::DiscardArgs,
    output::{plural, print_line, text},
};

/// Deletes one message from the dead-letter queue that it lies in.
pub(crate) async fn discard(args: &DiscardArgs) -> Result<()> {
    if !args.yes && !io::stdin().is_terminal() {
        let message = &args.message;
        bail!(text!(
            en: "nobody can be asked here whether to delete message {message}; if you are sure: --yes",
            pt: "aqui não há a quem perguntar se a mensagem {message} deve ser apagada; se tem certeza: --yes",
        ));
    }
    let selection = Selection { code: None, message: Some(args.message.clone()) };
    with_stack(&args.stack, async |stack| {
        let found = find(&stack, &selection).await?;
        let stages: Vec<Stage> =
            Stage::ALL.into_iter().filter(|stage| found.iter().any(|m| m.stage == *stage)).collect();
        if stages.is_empty() {
            let look = Advice::about(&args.stack).command("parked --limit 100");
            let message = &args.message;
            bail!(text!(
                en: "no dead-letter queue has a message {message} that can be read now; see what is there: {look}",
                pt: "nenhuma dead-letter queue tem uma mensagem {message} que possa ser lida agora; veja o que há: {look}",
            ));
        }
        found.iter().try_for_each(|message| print_line(describe(message)))?;
        if !args.yes && !is_agreed(found.len())? {
            return print_line(text!(en: "nothing was deleted", pt: "nada foi apagado"));
        }
        for stage in stages {
            let deleted = dead_letters::discard(&stack, stage, &selection).await?;
            let word = plural(deleted, "apagada", "apagadas");
            print_line(text!(
                en: "{deleted} deleted from the {stage} dead-letter queue",
                pt: "{deleted} {word} da dead-letter queue da etapa {stage}",
            ))?;
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

fn is_agreed(count: usize) -> Result<bool> {
    let question = if count == 1 {
        text!(
            en: "Delete this message for good? Nothing replays it then. [y/N]",
            pt: "Apagar esta mensagem de vez? Depois nada a reprocessa. [s/N]",
        )
    } else {
        text!(
            en: "Delete these {count} messages for good? Nothing replays them then. [y/N]",
            pt: "Apagar estas {count} mensagens de vez? Depois nada as reprocessa. [s/N]",
        )
    };
    eprint!("{question} ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "s" | "S" | "sim"))
}
