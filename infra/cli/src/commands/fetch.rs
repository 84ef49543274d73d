use anyhow::Result;
use harness::stack::Stage;

use super::with_stack;
use crate::{args::FetchArgs, output::print_line};

pub(crate) async fn fetch(args: &FetchArgs) -> Result<()> {
    with_stack(&args.stack, async |stack| {
        let id = stack.request_fetch(args.index.as_deref(), args.segment.as_deref()).await?;
        print_line(format_args!("sent to {} as message {id}", stack.queue_url(Stage::Fetch)?))?;
        Ok(())
    })
    .await
}
