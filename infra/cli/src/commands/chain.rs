//! The chain that a command sends work through: a stack in AWS, the local one that is up, or one for the time of the
//! command.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use harness::{
    aws::LOCAL_ACCOUNT,
    checkout::Workspace,
    deployment::StackConfig,
    emulator::{EmulatorOptions, Logs},
    failure::Failure,
    journey::Tracker,
    local_runtime::LocalRuntime,
    processes::Processes,
    progress::Progress,
    stack::Stack,
};

use super::{STACK, run::B3, with_stack};
use crate::{
    args::{ChainArgs, StackArgs},
    lake::{self, Contents, Lake, Origin},
    output::text,
    running_stack::RunningStack,
};

/// A stack that works on what is sent to it.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) stack: Stack,
    /// `None` in AWS.
    pub(super) local: Option<Local>,
}

#[derive(Debug)]
pub(super) struct Local {
    logs: Logs,
    pub(super) lake: PathBuf,
    pub(super) origin: Origin,
}

impl Chain {
    /// `None` in AWS.
    pub(super) fn tracker(&self) -> Option<Tracker<'_>> {
        let local = self.local.as_ref()?;
        Some(Tracker::new(&self.stack, local.logs.clone()))
    }
}

/// Does `work` on the chain that the arguments name.
pub(super) async fn with_chain(
    args: &ChainArgs,
    processes: &Processes,
    progress: &Progress,
    work: impl AsyncFnOnce(Chain) -> Result<()>,
) -> Result<()> {
    if args.stack.is_some() {
        let stack = StackArgs { stack: args.stack.clone(), account: args.account.clone() };
        return with_stack(&stack, async |stack| work(Chain { stack, local: None }).await).await;
    }
    let workspace = &Workspace::locate()?;
    match RunningStack::read(workspace)? {
        Some(running) if args.lake.as_ref().is_none_or(|lake| *lake == running.lake) => {
            work(running_chain(args, running, progress)?).await
        }
        Some(_) | None => with_own_chain(args, workspace, processes, progress, work).await,
    }
}

/// The stack that is up, if it holds what is asked for.
fn running_chain(args: &ChainArgs, running: RunningStack, progress: &Progress) -> Result<Chain> {
    let contents = &running.contents;
    let other = |asked: &Option<String>, held: &str| asked.as_deref().is_some_and(|it| it != held);
    if other(&args.index, &contents.index) || other(&args.segment, &contents.segment) {
        let pid = running.pid;
        let Contents { index, segment, .. } = contents;
        bail!(text!(
            en: "process {pid} keeps a stack up for {index}, segment {segment}: stop it first (Ctrl-C there), or name the folder of another lake with --lake",
            pt: "o processo {pid} mantém uma stack no ar para {index}, segmento {segment}: pare-o antes (Ctrl-C lá), ou indique a pasta de outro lake com --lake",
        ));
    }
    refuse_sample(contents)?;
    let lake = running.lake.display();
    progress.say(text!(
        en: "  using the stack that is up over {lake}",
        pt: "  usando a stack que está no ar sobre {lake}",
    ));
    let stack = running.stack()?;
    let RunningStack { folder, lake, contents, .. } = running;
    let local = Local { logs: Logs::new(&folder), lake, origin: contents.origin };
    Ok(Chain { stack, local: Some(local) })
}

async fn with_own_chain(
    args: &ChainArgs,
    workspace: &Workspace,
    processes: &Processes,
    progress: &Progress,
    work: impl AsyncFnOnce(Chain) -> Result<()>,
) -> Result<()> {
    let (lake, contents) = open_lake(args, workspace, progress)
        .await
        .map_err(|error| Failure::of(error, "lake", None))?;
    let bucket = format!("{STACK}-lake-{LOCAL_ACCOUNT}");
    let folder = lake.folder().to_path_buf();
    let options = EmulatorOptions::default()
        .with_kept_bucket(&bucket, Some(folder.clone()))
        .with_archive_later();
    let runtime = LocalRuntime::start(workspace, processes, progress, &options).await?;
    let mut config = StackConfig::new(STACK, B3);
    config.index.clone_from(&contents.index);
    config.segment.clone_from(&contents.segment);
    let stack = runtime.deploy(&config, progress).await?;
    let local = Local { logs: runtime.logs(), lake: folder, origin: contents.origin };
    let done = work(Chain { stack, local: Some(local) }).await;
    let step = progress.unshown("stop", text!(en: "stop everything", pt: "encerrar tudo"));
    runtime.stop().await;
    step.done("");
    done
}

async fn open_lake(
    args: &ChainArgs,
    workspace: &Workspace,
    progress: &Progress,
) -> Result<(Lake, Contents)> {
    let named = args.lake.as_deref().map(lake::note).transpose()?.flatten();
    let (index, segment) = match &named {
        Some(contents) => (contents.index.as_str(), contents.segment.as_str()),
        None => ("IBOV", "2"),
    };
    let contents = Contents {
        origin: named.as_ref().map_or(Origin::B3, |contents| contents.origin),
        index: args.index.clone().unwrap_or_else(|| index.to_owned()),
        segment: args.segment.clone().unwrap_or_else(|| segment.to_owned()),
    };
    refuse_sample(&contents)?;
    let usual = contents.usual_folder(workspace);
    let folder = args.lake.clone().or(usual).context("this lake has no usual folder")?;
    if args.lake.is_none()
        && let Some(moved) = lake::move_copy_of_earlier_version(&folder)?
    {
        let (folder, moved) = (folder.display(), moved.display());
        progress.say(text!(
            en: "  ! An earlier version left the copy of one run in {folder}; it is in {moved} now.",
            pt: "  ! Uma versão anterior deixou a cópia de uma execução em {folder}; agora está em {moved}.",
        ));
    }
    RunningStack::refuse_lake(workspace, &folder)?;
    let waiting = || {
        let folder = folder.display();
        progress.say(text!(
            en: "  … a run uses {folder}, waiting for its end",
            pt: "  … uma execução está usando {folder}; à espera de que termine",
        ));
    };
    let lake = Lake::open(&folder, &contents, waiting).await?;
    Ok((lake, contents))
}

fn refuse_sample(contents: &Contents) -> Result<()> {
    match contents.origin {
        Origin::Sample => bail!(text!(
            en: "this lake holds the bundled sample, where no day that was kept belongs: name another folder with --lake",
            pt: "este lake guarda o exemplo que acompanha o programa, onde não cabe nenhum dia guardado: indique outra pasta com --lake",
        )),
        Origin::B3 | Origin::AnotherServer => Ok(()),
    }
}
