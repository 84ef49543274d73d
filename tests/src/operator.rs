//! A person on duty: has a prebuilt `ibov` and no checkout, and reads the mails that come.

use std::{ffi::OsStr, path::Path, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use harness::{
    aws::{LOCAL_KEY, LOCAL_REGION},
    emulator::Mail,
};
use tempfile::TempDir;
use tokio::process::Command;

use crate::ibov::{self, Ended};

/// Stands before the name of a failpoint's folder, as a function's name does.
const FAILPOINTS_OF: &str = "ibov";

/// The person and the stack that they are on duty for.
#[derive(Debug)]
pub struct Operator {
    /// Their home, with the program.
    home: TempDir,
    endpoint: String,
    stack: String,
}

impl Operator {
    pub async fn of(stack: &str, endpoint: &str) -> Result<Self> {
        let home = tempfile::tempdir()?;
        // Copied by another process: a child of another test could inherit the file open for writing, and it could not
        // be started then.
        let mut copy = Command::new("install");
        copy.args(["-m", "755"]).arg(ibov::program().await?).arg(home.path().join("ibov"));
        ensure!(copy.status().await?.success(), "cannot copy ibov");
        Ok(Self { home, endpoint: endpoint.to_owned(), stack: stack.to_owned() })
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Types a command about the stack.
    pub async fn types(&self, words: &[&str]) -> Result<Ended> {
        self.types_whole(&[words, &["--stack", &self.stack]].concat()).await
    }

    /// Types a command as it stands in a mail, from `ibov` to the last option.
    pub async fn types_line(&self, line: &str) -> Result<Ended> {
        let words: Vec<_> = line.split_whitespace().collect();
        let (program, words) = words.split_first().context("an empty command")?;
        ensure!(*program == "ibov", "{line} is no command of ibov");
        self.types_whole(words).await
    }

    /// Types a command that says which stack it is about.
    pub async fn types_whole(&self, words: &[impl AsRef<OsStr>]) -> Result<Ended> {
        let mut command = Command::new(self.home().join("ibov"));
        let inherited = ["PATH", "LD_LIBRARY_PATH"];
        let inherited = inherited.map(|name| (name, std::env::var_os(name).unwrap_or_default()));
        command
            .args(words)
            .current_dir(self.home())
            .env_clear()
            .envs(inherited)
            .env("HOME", self.home())
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_REGION", LOCAL_REGION)
            .env("AWS_ACCESS_KEY_ID", LOCAL_KEY)
            .env("AWS_SECRET_ACCESS_KEY", LOCAL_KEY)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("FAILPOINTS_DIR", self.home().join("failpoints"))
            .env("AWS_LAMBDA_FUNCTION_NAME", FAILPOINTS_OF)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = command.output().await.context("cannot start ibov")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ended {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        })
    }

    /// Types a command that has to end well, and returns what it prints.
    pub async fn sees(&self, words: &[&str]) -> Result<String> {
        let ended = self.types(words).await?;
        ensure!(ended.code == Some(0), "{words:?}: {}{}", ended.stdout, ended.stderr);
        Ok(ended.stdout)
    }

    /// Has the next command die at a failpoint.
    pub fn dies_at(&self, failpoint: &str) -> Result<()> {
        let folder = self.home().join("failpoints").join(FAILPOINTS_OF);
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join(failpoint), "")?)
    }
}

/// The commands in a mail, in order.
pub fn commands_in(mail: &Mail) -> Vec<String> {
    // An alarm's mail is JSON, with the lines of its description in one string.
    let text = mail.message.replace("\\n", "\n");
    let lines = text.lines().filter_map(|line| line.get(line.find("ibov ")?..));
    let is_command = |line: &&str| line.contains(" --stack ");
    let end = |line: &str| line.split('"').next().unwrap_or(line).trim().to_owned();
    lines.filter(is_command).map(end).collect()
}
