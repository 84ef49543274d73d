use anyhow::{Result, bail};
use harness::{
    progress::Progress,
    stack::{
        Stack, Stage,
        dead_letters::{self, HELD_FOR, Parked, Selection},
    },
};

use super::with_stack;
use crate::{
    advice::{Advice, quoted},
    args::RedriveArgs,
    output::{Language, plural, print_line, text},
};

pub(crate) async fn redrive(args: &RedriveArgs) -> Result<()> {
    let stage = args.stage;
    let selection = Selection { code: args.code.clone(), message: args.message.clone() };
    let advice = Advice::about(&args.stack);
    with_stack(&args.stack, async |stack| {
        if args.dry_run {
            return print_selected(&stack, stage, &selection).await;
        }
        let what = if selection.is_all() {
            text!(en: "empty the {stage} dead-letter queue", pt: "esvaziar a dead-letter queue da etapa {stage}")
        } else {
            text!(
                en: "take messages from the {stage} dead-letter queue",
                pt: "retirar mensagens da dead-letter queue da etapa {stage}",
            )
        };
        let step = Progress::stderr().step("redrive", what);
        let moved = if selection.is_all() {
            usize::try_from(dead_letters::redrive(&stack, stage).await?)?
        } else {
            dead_letters::redrive_selected(&stack, stage, &selection).await?
        };
        let word = plural(moved, "devolvida", "devolvidas");
        step.done(text!(en: "{moved} moved", pt: "{moved} {word}"));
        if moved == 0 && selection.message.is_some() {
            let look = advice.command(&format!("parked {stage}"));
            bail!(text!(
                en: "no message like that can be read in the {stage} dead-letter queue now; see what is there: {look}",
                pt: "nenhuma mensagem assim pode ser lida agora na dead-letter queue da etapa {stage}; veja o que há: {look}",
            ));
        }
        print_line(text!(
            Language::current(),
            en: "{moved} moved back to the {stage} queue",
            pt: "{moved} {word} à fila da etapa {stage}",
        ))?;
        print_hidden(&stack, args, &advice).await
    })
    .await
}

async fn print_selected(stack: &Stack, stage: Stage, selection: &Selection) -> Result<()> {
    let mut chosen = dead_letters::peek(stack, stage).await?;
    chosen.retain(|message| selection.takes(message));
    chosen.iter().try_for_each(|message| print_line(summary(message)))?;
    let count = chosen.len();
    let word = plural(count, "voltaria", "voltariam");
    print_line(text!(
        Language::current(),
        en: "{count} would move back to the {stage} queue",
        pt: "{count} {word} à fila da etapa {stage}",
    ))
}

fn summary(message: &Parked) -> String {
    let noted = message.attribute("message_id").unwrap_or(&message.id);
    format!("{noted}  {}  {}", message.code(), message.attribute("object").unwrap_or(&message.body))
}

/// A redrive moves only what nobody holds, so it says what it has left behind.
async fn print_hidden(stack: &Stack, args: &RedriveArgs, advice: &Advice) -> Result<()> {
    let RedriveArgs { stage, code, .. } = args;
    let stage = *stage;
    let counts = dead_letters::counts(stack, stage).await?;
    if counts.in_flight > 0 {
        let seconds = counts.visibility_timeout.max(HELD_FOR).as_secs();
        let filter = code.as_ref().map(|code| format!(" --code {}", quoted(code)));
        let again = advice.command(&format!("redrive {stage}{}", filter.unwrap_or_default()));
        let hidden = counts.in_flight;
        let (en, pt) = (plural(hidden, "it", "them"), plural(hidden, "ficou", "ficaram"));
        print_line(text!(
            Language::current(),
            en: "{hidden} left behind, as another reader holds {en} for at most {seconds} s; then: {again}",
            pt: "{hidden} {pt} para trás, em uso por outro leitor por no máximo {seconds} s; depois: {again}",
        ))?;
    }
    Ok(())
}
