//! The commands, one file each.

mod b3;
mod chain;
mod chart;
mod completions;
mod diff;
mod discard;
mod doctor;
mod fetch;
mod frame;
mod history;
mod https;
mod import;
mod logs;
mod man;
mod parked;
mod queries;
mod query;
mod redrive;
mod refine;
mod report;
mod reprocess;
mod run;
mod sector_table;
mod sessions;
mod status;
mod tables_shown;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use harness::{
    aws::LOCAL_ACCOUNT, b3_server::SAMPLE_INDEX, checkout::Workspace, emulator::EmulatorOptions,
    local_runtime, processes::Processes, stack::Stack,
};

use self::tables_shown::{Place, Tables, TablesShown};
pub(crate) use self::{
    b3::b3, chart::chart, completions::completions, diff::diff, discard::discard, doctor::doctor,
    fetch::fetch, history::history, import::import, logs::logs, man::man, parked::parked,
    queries::queries, query::query, redrive::redrive, refine::refine, report::report,
    reprocess::reprocess, run::run, status::status,
};
use crate::{
    account::Account,
    args::{StackArgs, TablesArgs},
    lake::{self, Contents, Lake, Origin},
    output::text,
    running_stack::RunningStack,
};

/// The local stack's name.
const STACK: &str = "ibov";

/// Does `work` on the stack in AWS that `--stack` names, or else on the local one that is up.
async fn with_stack(args: &StackArgs, work: impl AsyncFnOnce(Stack) -> Result<()>) -> Result<()> {
    let Some(name) = &args.stack else {
        return work(RunningStack::find(&Workspace::locate()?)?.stack()?).await;
    };
    let account = Account::sign_in(&args.account).await?;
    let done = match Stack::describe(account.clients(), name).await {
        Ok(stack) => work(stack).await,
        Err(error) => Err(error),
    };
    done.map_err(|error| account.explain(error, name))
}

/// Does `work`, which reads tables only, as [`with_stack`] does, or over the lake of B3's days if no stack is up.
async fn with_tables(
    args: &TablesArgs,
    work: impl AsyncFnOnce(Tables) -> Result<()>,
) -> Result<()> {
    if args.stack.is_some() {
        let work = async |stack| work(Tables::of_stack(stack).await?).await;
        return with_stack(&args.stack(), work).await;
    }
    let workspace = &Workspace::locate()?;
    let folder = match Place::find(workspace, args.lake.as_deref())? {
        Place::Running(running) => {
            let shown = TablesShown::of(&running.contents);
            return work(Tables { stack: running.stack()?, shown }).await;
        }
        Place::Folder(folder) => folder,
    };
    let Some(contents) = lake::contents(&folder)? else {
        bail!(no_day(&folder, sample_lake(workspace).as_deref()));
    };
    let waiting = || {
        let folder = folder.display();
        let text = text!(
            en: "  … a run uses {folder}, waiting for its end",
            pt: "  … uma execução está usando {folder}; à espera de que termine",
        );
        eprintln!("{text}");
    };
    let lake = Lake::open(&folder, &contents, waiting).await?;
    let processes = Processes::default();
    let bucket = format!("{STACK}-lake-{LOCAL_ACCOUNT}");
    let options =
        EmulatorOptions::default().with_kept_bucket(&bucket, Some(lake.folder().to_path_buf()));
    let shown = TablesShown::of(&contents);
    let work = async |stack| work(Tables { stack, shown }).await;
    let done = local_runtime::with_tables(workspace, &processes, &options, STACK, work).await;
    processes.end_all().await;
    done
}

/// Where a run puts the bundled sample.
fn sample_lake(workspace: &Workspace) -> Option<PathBuf> {
    let contents = Contents {
        origin: Origin::Sample,
        index: SAMPLE_INDEX.to_owned(),
        segment: "2".to_owned(),
    };
    contents.usual_folder(workspace)
}

/// That a lake has nothing to show, and what has.
fn no_day(folder: &Path, sample: Option<&Path>) -> String {
    let sample = sample.filter(|sample| *sample != folder && lake::days(sample) > 0);
    let folder = folder.display();
    match sample {
        Some(sample) => {
            let sample = sample.display();
            text!(
                en: "no day is kept in {folder}, and no stack is up: `cargo ibov run` brings the first, and `--lake {sample}` shows the bundled sample",
                pt: "não há nenhum dia guardado em {folder}, e nenhuma stack está no ar: `cargo ibov run` traz o primeiro, e `--lake {sample}` mostra o exemplo",
            )
        }
        None => text!(
            en: "no day is kept in {folder}, and no stack is up: `cargo ibov run` brings the first, --lake names another folder",
            pt: "não há nenhum dia guardado em {folder}, e nenhuma stack está no ar: `cargo ibov run` traz o primeiro; --lake indica outra pasta",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lake_without_a_day_names_that_of_the_sample_if_there_is_one() {
        let top = tempfile::tempdir().unwrap();
        let (folder, sample) = (top.path().join("lake"), top.path().join("lakes/sample"));
        let wanted = format!("--lake {}", sample.display());
        assert!(!no_day(&folder, Some(&sample)).contains(&wanted));
        std::fs::create_dir_all(sample.join("refined/data=2026-11-25")).unwrap();
        assert!(no_day(&folder, Some(&sample)).contains(&wanted));
        assert!(!no_day(&sample, Some(&sample)).contains("`--lake"), "it is that lake itself");
    }
}
