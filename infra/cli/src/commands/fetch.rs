use anyhow::Result;
use harness::stack::Stage;

use super::with_stack;
use crate::{
    args::FetchArgs,
    output::{print_line, text},
};

pub(crate) async fn fetch(args: &FetchArgs) -> Result<()> {
    with_stack(&args.stack, async |stack| {
        let id = stack.request_fetch(args.index.as_deref(), args.segment.as_deref()).await?;
        let queue = stack.queue_url(Stage::Fetch)?;
        print_line(text!(
            en: "sent to {queue} as message {id}",
            pt: "enviada para {queue} como mensagem {id}",
        ))?;
        Ok(())
    })
    .await
}
