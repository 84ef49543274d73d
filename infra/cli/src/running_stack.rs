//! The stack that `ibov run --keep` leaves up, and the note in `.ibov/local.json` by which other commands find it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use harness::{
    aws::{Clients, LOCAL_KEY, LOCAL_REGION},
    checkout::Workspace,
    stack::{Stack, Stage},
};
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::{lake::Contents, output::text};

/// The note, which exists while the stack is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningStack {
    /// Of all AWS services.
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    /// Its name.
    pub(crate) stack: String,
    pub(crate) outputs: BTreeMap<String, String>,
    /// Where `ibov b3` scripts the stand-in B3 server, if that is the source.
    pub(crate) b3_control_url: Option<String>,
    /// Logs, outbox and state.
    pub(crate) folder: PathBuf,
    /// Where its objects lie.
    pub(crate) lake: PathBuf,
    /// What they are. The folder of a run says nothing about it.
    pub(crate) contents: Contents,
    /// The `ibov run` that keeps it up.
    pub(crate) pid: u32,
}

impl RunningStack {
    pub(crate) fn new(
        endpoint: &str,
        stack: &Stack,
        b3_control_url: Option<String>,
        folder: PathBuf,
        lake: PathBuf,
        contents: Contents,
    ) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            region: LOCAL_REGION.to_owned(),
            access_key_id: LOCAL_KEY.to_owned(),
            secret_access_key: LOCAL_KEY.to_owned(),
            stack: stack.name.clone(),
            outputs: stack.outputs.clone(),
            b3_control_url,
            folder,
            lake,
            contents,
            pid: std::process::id(),
        }
    }

    pub(crate) fn find(workspace: &Workspace) -> Result<Self> {
        match Self::read(workspace)? {
            Some(running) => Ok(running),
            None => bail!(text!(
                en: "no local stack is up, and queues last only as long as their stack: start one with `cargo ibov run --keep` in another terminal, or name a deployed one with --stack",
                pt: "nenhuma stack local está no ar, e as filas só duram enquanto a stack está: inicie uma com `cargo ibov run --keep` em outro terminal, ou indique uma da AWS com --stack",
            )),
        }
    }

    /// `None` if no local stack is up.
    pub(crate) fn read(workspace: &Workspace) -> Result<Option<Self>> {
        let path = path(workspace);
        let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
        let running: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is not readable; remove it", path.display()))?;
        // A process that was killed leaves its note, and so does a checkout that this one was copied from.
        Ok((running.is_of(workspace) && is_alive(running.pid)).then_some(running))
    }

    fn is_of(&self, workspace: &Workspace) -> bool {
        self.folder.starts_with(workspace.private("runs"))
    }

    /// Fails if another local stack is up.
    pub(crate) fn refuse_second(workspace: &Workspace) -> Result<()> {
        match Self::read(workspace)? {
            Some(Self { pid, .. }) => bail!(text!(
                en: "process {pid} keeps a local stack up already: stop it first (Ctrl-C there)",
                pt: "o processo {pid} já mantém uma stack local no ar: pare-o antes (Ctrl-C lá)",
            )),
            None => Ok(()),
        }
    }

    /// Fails if the stack that is up has this lake.
    pub(crate) fn refuse_lake(workspace: &Workspace, lake: &Path) -> Result<()> {
        match Self::read(workspace)? {
            Some(running) if running.lake == lake => {
                let (pid, lake) = (running.pid, lake.display());
                bail!(text!(
                    en: "process {pid} keeps a stack up over {lake}: `cargo ibov fetch` has it fetch, or stop it first (Ctrl-C there)",
                    pt: "o processo {pid} mantém uma stack no ar sobre {lake}: `cargo ibov fetch` faz com que ela busque, ou pare-o antes (Ctrl-C lá)",
                ))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Writes the note. Dropping the guard removes it.
    pub(crate) fn leave_note(&self, workspace: &Workspace) -> Result<Note> {
        let path = path(workspace);
        fs::write(&path, serde_json::to_string_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Note(path))
    }

    pub(crate) fn stack(&self) -> Result<Stack> {
        Ok(Stack {
            name: self.stack.clone(),
            clients: Clients::local(&self.endpoint)?,
            outputs: self.outputs.clone(),
        })
    }

    /// How people reach it.
    pub(crate) fn instructions(&self) -> String {
        let queues: Vec<String> = Stage::ALL
            .into_iter()
            .filter_map(|stage| {
                self.outputs
                    .iter()
                    .find(|(name, _)| name.to_lowercase() == format!("{stage}queueurl"))
                    .map(|(_, url)| format!("  {stage:<11} {url}"))
            })
            .collect();
        let database = self.outputs.get("DatabaseName").map_or("default", String::as_str);
        let (stack, endpoint, region) = (&self.stack, &self.endpoint, &self.region);
        let (key, secret) = (&self.access_key_id, &self.secret_access_key);
        let work_group = self.outputs.get("WorkGroupName").map_or("primary", String::as_str);
        let (lake, folder) = (self.lake.display(), self.folder.display());
        let queues = queues.join("\n");
        let stays = text!(
            en: "The stack {stack} stays up until Ctrl-C. In another terminal:",
            pt: "A stack {stack} fica no ar até Ctrl-C. Em outro terminal:",
        );
        let commands: Vec<String> = [
            (
                "cargo ibov b3 totals",
                text!(
                    en: "from now on B3 answers something wrong; `ok` mends it",
                    pt: "daqui em diante a B3 responde errado; `ok` conserta",
                ),
            ),
            (
                "cargo ibov fetch",
                text!(
                    en: "ask for the portfolio again", pt: "buscar a carteira de novo",
                ),
            ),
            ("cargo ibov status", text!(en: "is all well?", pt: "está tudo bem?")),
            (
                "cargo ibov parked",
                text!(
                    en: "what failed, and why", pt: "o que falhou, e por quê",
                ),
            ),
            ("cargo ibov redrive fetch", text!(en: "replay it", pt: "reprocessar")),
            (
                "cargo ibov queries",
                text!(
                    en: "what else can be asked", pt: "o que mais se pode consultar",
                ),
            ),
        ]
        .into_iter()
        .filter(|(line, _)| self.b3_control_url.is_some() || !line.contains(" b3 "))
        .map(|(line, what)| format!("  {line:<26} # {what}"))
        .collect();
        let commands = commands.join("\n");
        let programs = text!(
            en: "With the AWS CLI or an SDK (AWS CLI 1 wants --endpoint-url {endpoint} on each command besides):",
            pt: "Com a AWS CLI ou um SDK (a AWS CLI 1 quer também --endpoint-url {endpoint} em cada comando):",
        );
        let places = text!(
            en: "Queues:\n{queues}\nLake: {lake}\nLogs and outbox: {folder}",
            pt: "Filas:\n{queues}\nLake: {lake}\nLogs e caixa de saída: {folder}",
        );
        format!(
            "{stays}\n\
             \n\
             {commands}\n\
             \x20 cargo ibov query 'SELECT * FROM \"{database}\".\"tb_ibov_refined\" LIMIT 5'\n\
             \n\
             {programs}\n\
             \n\
             \x20 export AWS_ENDPOINT_URL={endpoint} AWS_DEFAULT_REGION={region} AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY={secret}\n\
             \x20 aws athena start-query-execution --query-string 'SELECT setor, soma_part FROM \"{database}\".\"tb_ibov_refined\"' --work-group {work_group}\n\
             \n\
             {places}"
        )
    }
}

/// Removes the note when it is dropped.
#[derive(Debug)]
pub(crate) struct Note(PathBuf);

impl Drop for Note {
    fn drop(&mut self) {
        let _gone_already = fs::remove_file(&self.0);
    }
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.private("local.json")
}

fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::lake::Origin;

    pub(crate) fn running(folder: PathBuf) -> RunningStack {
        let outputs = [
            ("FetchQueueUrl", "http://q/fetch"),
            ("DatabaseName", "default"),
            ("WorkGroupName", "w"),
        ];
        RunningStack {
            endpoint: "http://127.0.0.1:1".into(),
            region: "us-east-1".into(),
            access_key_id: "test".into(),
            secret_access_key: "test".into(),
            stack: "ibov".into(),
            outputs: outputs
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            b3_control_url: Some("http://127.0.0.1:2".into()),
            folder,
            lake: "/lake".into(),
            contents: Contents {
                origin: Origin::AnotherServer,
                index: "SMLL".into(),
                segment: "1".into(),
            },
            pid: std::process::id(),
        }
    }

    #[test]
    fn the_kept_stack_of_another_checkout_is_not_ours() {
        let workspace = Workspace::locate().unwrap();
        let ours = running(workspace.private("runs/1"));
        assert!(ours.is_of(&workspace));
        assert!(!running("/original/.ibov/runs/1".into()).is_of(&workspace));
    }

    #[test]
    fn a_note_that_does_not_say_whose_data_they_are_is_not_read() {
        let ours = running("/runs/1".into());
        let mut note = serde_json::to_value(&ours).unwrap();
        assert_eq!(serde_json::from_value::<RunningStack>(note.clone()).unwrap(), ours);
        note.as_object_mut().unwrap().remove("contents").unwrap();
        assert!(serde_json::from_value::<RunningStack>(note).is_err());
    }

    #[test]
    fn instructions_hold_what_a_client_needs() {
        let text = running("/runs/1".into()).instructions();
        for part in [
            "AWS_ENDPOINT_URL=http://127.0.0.1:1",
            "http://q/fetch",
            "cargo ibov b3",
            "--work-group w",
            "/runs/1",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
