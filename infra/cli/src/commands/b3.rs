use anyhow::{Context as _, Result, bail};
use harness::checkout::Workspace;

use crate::{
    args::B3Args,
    output::{print_line, text},
    running_stack::RunningStack,
};

/// Tells the stand-in server how to reply, and for which date.
pub(crate) async fn b3(args: &B3Args) -> Result<()> {
    let running = RunningStack::find(&Workspace::locate()?)?;
    let control_url = running.b3_control_url.with_context(|| {
        text!(
            en: "the local stack that is up asks another server; start one with `cargo ibov run --sample --keep`",
            pt: "a stack local que está no ar consulta outro servidor; inicie uma com `cargo ibov run --sample --keep`",
        )
    })?;
    if let Some(date) = args.date {
        post(format!("{control_url}/date"), date.to_string()).await?;
        print_line(text!(
            en: "the sample is of {date} from now on",
            pt: "a data do exemplo é {date} daqui em diante",
        ))?;
    }
    post(format!("{control_url}/answer"), args.answer.clone()).await?;
    let answer = &args.answer;
    print_line(text!(
        en: "B3 answers {answer:?} from now on",
        pt: "a B3 responde {answer:?} daqui em diante",
    ))?;
    Ok(())
}

async fn post(url: String, body: String) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let response = client.post(url).body(body).send().await;
    let response = response.with_context(|| {
        text!(
            en: "the stand-in B3 server takes no orders",
            pt: "o simulador da B3 não aceita ordens",
        )
    })?;
    if !response.status().is_success() {
        bail!("{}", response.text().await?);
    }
    Ok(())
}
