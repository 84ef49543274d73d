use anyhow::Result;
use harness::{progress::Progress, stack::dead_letters};

use super::with_stack;
use crate::{args::RedriveArgs, output::print_line};

pub(crate) async fn redrive(args: &RedriveArgs) -> Result<()> {
    let stage = args.stage;
    with_stack(&args.stack, async |stack| {
        let step =
            Progress::stderr().step("redrive", format!("empty the {stage} dead-letter queue"));
        let moved = dead_letters::redrive(&stack, stage).await?;
        step.done(format_args!("{moved} moved"));
        print_line(format_args!("{moved} moved back to the {stage} queue"))?;
        Ok(())
    })
    .await
}
