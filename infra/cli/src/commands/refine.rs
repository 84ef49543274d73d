use anyhow::Result;
use harness::stack::Stage;
use shared::events::RefineRequest;

use super::with_stack;
use crate::{
    args::RefineArgs,
    output::{print_line, text},
};

pub(crate) async fn refine(args: &RefineArgs) -> Result<()> {
    let RefineArgs { date, force, .. } = *args;
    let request = RefineRequest { date, force, retry_of: None };
    with_stack(&args.stack, async |stack| {
        let id = stack.send(Stage::Glue, &serde_json::to_string(&request)?).await?;
        let queue = stack.queue_url(Stage::Glue)?;
        print_line(text!(
            en: "sent to {queue} as message {id}",
            pt: "enviada para {queue} como mensagem {id}",
        ))?;
        Ok(())
    })
    .await
}
