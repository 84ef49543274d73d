use anyhow::{Context as _, Result, bail};
use harness::checkout::Workspace;

use crate::{args::B3Args, output::print_line, running_stack::RunningStack};

/// Tells the stand-in server how to reply, and for which date.
pub(crate) async fn b3(args: &B3Args) -> Result<()> {
    let running = RunningStack::find(&Workspace::locate()?)?;
    let control_url = running.b3_control_url.context("the local stack that is up asks another server; start one with `cargo ibov run --sample --keep`")?;
    if let Some(date) = args.date {
        post(format!("{control_url}/date"), date.to_string()).await?;
        print_line(format_args!("the sample is of {date} from now on"))?;
    }
    post(format!("{control_url}/answer"), args.answer.clone()).await?;
    print_line(format_args!("B3 answers {:?} from now on", args.answer))?;
    Ok(())
}

async fn post(url: String, body: String) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let response = client.post(url).body(body).send().await;
    let response = response.context("the stand-in B3 server takes no orders")?;
    if !response.status().is_success() {
        bail!("{}", response.text().await?);
    }
    Ok(())
}
