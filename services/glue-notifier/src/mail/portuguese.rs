//! Mails in Portuguese. Titles have no accents: the subject of an SNS message is ASCII.

use super::news::{News, ends, joined, listed, warning_lines};
use crate::stack::Stack;

pub(super) fn title_and_text(stack: &Stack, news: News<'_>) -> (String, String) {
    let Stack { name, index, job, .. } = stack;
    match news {
        News::Refined { run } => (
            format!("refinado: {}", shortened(&run.dates)),
            format!(
                "As carteiras destas datas estão refinadas e podem ser consultadas:\n\n  {}\n\n\
                 Stack     {name}\nGlue job  {job}\nExecução  {}\nTempo     {} s\n",
                listed(&run.dates),
                run.id,
                run.seconds,
            ),
        ),
        News::Odd { run, warnings } => (
            format!("refinado com avisos: {}", shortened(&joined(warnings.keys()))),
            format!(
                "Estas datas estão refinadas e podem ser consultadas. Há algo estranho nelas, que pode estar certo:\n\n\
                 {}\n\
                 Você não precisa fazer nada. Compare com o site da B3. Se a B3 respondeu menos do que devia, uma busca\n\
                 posterior do mesmo pregão substitui a data por si só:\n\n  \
                 {}\n\n\
                 Stack     {name}\nGlue job  {job}\nExecução  {}\n",
                warning_lines(warnings),
                stack.command("fetch"),
                run.id,
            ),
        ),
        News::Unfinished { run, parked } => {
            let dates = joined(parked);
            let title = format!("refinamento {}: {}", ending(run.state.name()), shortened(&dates));
            let text = format!(
                "Uma execução do Glue terminou como {state}. Estas datas não estão refinadas, ou ainda mostram o que \
                 uma execução anterior refinou:\n\n  {dates}\n\n\
                 Causa     {cause}\nStack     {name}\nGlue job  {job}\nExecução  {run}\nDetalhes  {link}\n\n\
                 Até a correção, as consultas a tb_ibov_refined não mostram estas datas ou mostram linhas antigas. Os\n\
                 arquivos em raw/ estão a salvo.\n\n\
                 Para ver o que espera, e por quê:\n\n  \
                 {status}\n  {parked}\n\n\
                 Cada data espera na dead-letter queue {name}-glue-dlq por 14 dias. Com a causa corrigida, refine-as de\n\
                 novo:\n\n  \
                 {redrive}\n\n\
                 ou, só com a AWS CLI:\n\n  \
                 {move_task}\n",
                state = run.state.name(),
                dates = listed(&dates),
                cause = run.cause(),
                run = run.id,
                link = stack.link_to(&run.id),
                status = stack.command("status"),
                parked = stack.command("parked glue"),
                redrive = stack.command("redrive glue"),
                move_task = stack.move_task(),
            );
            (title, text)
        }
        News::Ended { run } => (
            format!("refinamento {}: {}", run.state.name(), shortened(&run.dates)),
            format!(
                "Uma execução do Glue terminou como {state}. Ela foi iniciada para estas datas. Nenhuma delas precisa de \
                 você: cada uma está refinada, ou é refinada pela próxima execução, ou não tem arquivo em raw/.\n\n  \
                 {dates}\n\n\
                 Causa     {cause}\nStack     {name}\nGlue job  {job}\nExecução  {run}\nDetalhes  {link}\n\n\
                 Não há nada a corrigir. Para ver que está tudo bem:\n\n  \
                 {status}\n",
                state = run.state.name(),
                dates = listed(&run.dates),
                cause = run.cause(),
                run = run.id,
                link = stack.link_to(&run.id),
                status = stack.command("status"),
            ),
        ),
        News::Missed { day, checked_at } => (
            format!("faltando: {day}"),
            format!(
                "Até as {checked_at} não chegou nenhuma carteira do {index} de {day} nem de um pregão posterior.\n\n\
                 A B3 não oferece os dias passados: o que não for buscado antes do próximo pregão está perdido. As\n\
                 consultas só mostram {day} depois da busca. Em feriados a B3 responde com o próximo pregão, e este\n\
                 e-mail não vem.\n\n\
                 Para ver se um pedido espera, e por quê:\n\n  \
                 {status}\n  {parked}\n\n\
                 Com a causa corrigida, reenvie os pedidos que esperam, ou peça de novo à B3:\n\n  \
                 {redrive}\n  {fetch}\n\n\
                 Stack     {name}\n",
                checked_at = checked_at.format("%H:%M UTC"),
                status = stack.command("status"),
                parked = stack.command("parked fetch"),
                redrive = stack.command("redrive fetch"),
                fetch = stack.command("fetch"),
            ),
        ),
    }
}

/// How a run ended that left dates unfinished. One that succeeded did not record them.
fn ending(state: &str) -> &str {
    if state == "SUCCEEDED" { "incompleto" } else { state }
}

/// `2026-11-20`, or `2026-11-18 a 2026-11-20 (3 datas)`.
fn shortened(dates: &str) -> String {
    match ends(dates) {
        Some((first, last, count)) => format!("{first} a {last} ({count} datas)"),
        None => dates.to_owned(),
    }
}
