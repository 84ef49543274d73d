//! The archive of Spark's classes, without which runs of the local Glue are slower.
//!
//! The first run that succeeds only lists the classes, so that nobody waits for Java to make the archive before they see
//! what the run was for.

use std::process::Stdio;

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::{checkout::Workspace, language::text, processes::Processes, progress::Progress};

/// Where `infra/local/glue_local` keeps both, in a folder for each version of Spark and Java.
const FOLDERS: &str = "venv/share/glue-local";
/// There as long as no archive was made of it.
const CLASSES: &str = "spark-classes.list";

/// Makes the archive if a run has left the list of its classes. If that fails, it says so: nothing else depends on it.
/// `advice` is for those who wait.
pub async fn make_if_due(
    workspace: &Workspace,
    processes: &Processes,
    progress: &Progress,
    advice: &str,
) {
    if !is_due(workspace) {
        return;
    }
    let title = text!(
        en: "make later runs quicker (20 s, once{advice})",
        pt: "acelerar as próximas execuções (20 s, só uma vez{advice})",
    );
    let step = progress.step("archive", title);
    match make(workspace, processes).await {
        Ok(()) => {
            step.done(text!(en: "Spark's classes are archived", pt: "classes do Spark arquivadas"))
        }
        Err(error) => {
            drop(step);
            progress.say(text!(
                en: "  ! Spark's classes were not archived ({error:#}). The next run tries again; until then each takes some seconds longer.",
                pt: "  ! As classes do Spark não foram arquivadas ({error:#}). A próxima execução tenta de novo; até lá, cada uma leva alguns segundos a mais.",
            ));
        }
    }
}

fn is_due(workspace: &Workspace) -> bool {
    let Ok(folders) = workspace.private(FOLDERS).read_dir() else { return false };
    folders.flatten().any(|folder| folder.path().join(CLASSES).exists())
}

async fn make(workspace: &Workspace, processes: &Processes) -> Result<()> {
    let mut command = Command::new(workspace.python());
    command
        .arg(workspace.path("infra/local/glue_runner.py"))
        .arg("--archive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut last_line = String::new();
    let mut process = processes.spawn(&mut command)?;
    let status = process.read_lines(|_| {}, |line| line.clone_into(&mut last_line)).await?;
    if !status.success() {
        bail!("{last_line}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use super::*;

    /// A checkout whose Python notes its arguments, and then does `more`.
    fn checkout(root: &Path, more: &str) -> Workspace {
        let workspace = Workspace::at(root);
        let python = workspace.python();
        fs::create_dir_all(python.parent().unwrap()).unwrap();
        let note = root.join("note");
        fs::write(&python, format!("#!/bin/sh\necho \"$@\" >> '{}'\n{more}\n", note.display()))
            .unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        workspace
    }

    fn note(root: &Path) -> Option<String> {
        fs::read_to_string(root.join("note")).ok()
    }

    #[tokio::test]
    async fn the_archive_is_made_once_a_run_has_listed_the_classes() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(".ibov").join(FOLDERS).join("of-these-versions");
        let classes = folder.join(CLASSES);
        let workspace = checkout(root.path(), &format!("rm '{}'", classes.display()));
        let (processes, progress) = (Processes::default(), Progress::silent());
        make_if_due(&workspace, &processes, &progress, "").await;
        fs::create_dir_all(&folder).unwrap();
        make_if_due(&workspace, &processes, &progress, "").await;
        assert_eq!(note(root.path()), None);
        fs::write(&classes, "java/lang/Object\n").unwrap();
        make_if_due(&workspace, &processes, &progress, "").await;
        make_if_due(&workspace, &processes, &progress, "").await;
        let runner = root.path().join("infra/local/glue_runner.py");
        assert_eq!(note(root.path()), Some(format!("{} --archive\n", runner.display())));
    }

    #[tokio::test]
    async fn an_archive_that_cannot_be_made_has_a_reason() {
        let root = tempfile::tempdir().unwrap();
        let workspace = checkout(root.path(), "echo 'disk full' >&2; exit 1");
        let error = make(&workspace, &Processes::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "disk full");
    }
}
