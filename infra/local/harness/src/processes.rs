//! Child processes, each the leader of a process group, so that ending one ends its descendants too.

use std::{
    any::Any,
    collections::BTreeMap,
    process::ExitStatus,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, ChildStdin, Command},
};

/// How long a group may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// The process groups that this program started and that have not ended.
#[derive(Debug, Clone, Default)]
pub struct Processes {
    groups: Arc<Mutex<Vec<Pid>>>,
    held: Arc<Mutex<Vec<Box<dyn Any + Send>>>>,
    environment: BTreeMap<&'static str, String>,
}

impl Processes {
    /// Gives every process that is started this variable.
    pub fn with_variable(mut self, name: &'static str, value: &str) -> Self {
        self.environment.insert(name, value.to_owned());
        self
    }

    /// Keeps a value, such as the lock of a folder in use, until [`Processes::end_all`] has ended all groups.
    pub fn hold(&self, value: impl Any + Send) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(value));
    }

    /// Starts `command` as the leader of a new group.
    pub fn spawn(&self, command: &mut Command) -> Result<Process> {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let mut child = command
            .envs(&self.environment)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
            .ok_or_else(|| anyhow!("{program} ended as it started"))?;
        self.lock().push(group);
        // Tokio's `wait` would close a standard input that it holds, and that would end the emulator.
        let stdin = child.stdin.take();
        Ok(Process { child, stdin, group, registry: self.clone() })
    }

    /// Ends all remaining groups, waits until they are gone, and returns their number.
    pub async fn end_all(&self) -> usize {
        let groups = std::mem::take(&mut *self.lock());
        for group in &groups {
            signal(*group, Signal::TERM);
        }
        for group in &groups {
            await_end(*group).await;
        }
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
        groups.len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Pid>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, group: Pid) -> bool {
        let mut groups = self.lock();
        let before = groups.len();
        groups.retain(|known| *known != group);
        groups.len() < before
    }
}

/// A running process group. Dropping it asks the group to end.
#[derive(Debug)]
pub struct Process {
    /// The leader.
    pub child: Child,
    stdin: Option<ChildStdin>,
    group: Pid,
    registry: Processes,
}

impl Process {
    /// Passes on each line of the leader's standard output and standard error, and waits until it ends by itself.
    pub async fn read_lines(
        &mut self,
        on_output: impl FnMut(&str),
        on_error: impl FnMut(&str),
    ) -> Result<ExitStatus> {
        let (output, errors) = (self.child.stdout.take(), self.child.stderr.take());
        tokio::join!(for_each_line(output, on_output), for_each_line(errors, on_error));
        self.wait().await
    }

    /// Waits until the leader ends by itself.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.registry.forget(self.group);
        Ok(status)
    }

    /// Closes the leader's standard input, and ends the group if it does not end by itself.
    pub async fn end(mut self) {
        drop(self.stdin.take());
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            signal(self.group, Signal::TERM);
        }
        await_end(self.group).await;
        self.registry.forget(self.group);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.registry.lock().contains(&self.group) {
            // The group stays in the registry, where `end_all` waits for it.
            signal(self.group, Signal::TERM);
        }
    }
}

async fn for_each_line(pipe: Option<impl AsyncRead + Unpin>, mut take: impl FnMut(&str)) {
    let Some(pipe) = pipe else { return };
    let mut lines = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        take(&line);
    }
}

fn signal(group: Pid, signal: Signal) {
    // The only possible failure is that the group has ended already.
    let _ended = kill_process_group(group, signal);
}

async fn await_end(group: Pid) {
    let deadline = Instant::now() + GRACE;
    while test_kill_process_group(group).is_ok() {
        if Instant::now() > deadline {
            signal(group, Signal::KILL);
            return;
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{process::Stdio, sync::OnceLock};

    use super::*;

    #[tokio::test]
    async fn ending_a_group_ends_its_grandchildren() {
        let processes = Processes::default();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & sleep 600"]).stdin(Stdio::null());
        let process = processes.spawn(&mut command).unwrap();
        let group = process.group;
        drop(process);
        assert_eq!(processes.end_all().await, 1);
        assert!(test_kill_process_group(group).is_err());
        assert_eq!(processes.end_all().await, 0);
    }

    #[tokio::test]
    async fn what_is_held_goes_when_all_groups_have_ended() {
        struct Guard(Pid, Arc<OnceLock<bool>>);
        impl Drop for Guard {
            fn drop(&mut self) {
                let _first = self.1.set(test_kill_process_group(self.0).is_err());
            }
        }
        let (processes, had_ended) = (Processes::default(), Arc::new(OnceLock::new()));
        let process = processes.spawn(Command::new("sleep").arg("600")).unwrap();
        processes.clone().hold(Guard(process.group, Arc::clone(&had_ended)));
        drop(process);
        assert_eq!(had_ended.get(), None);
        processes.end_all().await;
        assert_eq!(had_ended.get(), Some(&true));
    }

    #[tokio::test]
    async fn waiting_for_a_child_leaves_its_input_open() {
        let processes = Processes::default();
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut process = processes.spawn(&mut command).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(300), process.wait()).await.is_err());
        process.end().await;
    }

    #[tokio::test]
    async fn a_child_that_watches_its_input_ends_by_itself() {
        let processes = Processes::default();
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let started = Instant::now();
        processes.spawn(&mut command).unwrap().end().await;
        assert!(started.elapsed() < GRACE);
        assert_eq!(processes.end_all().await, 0);
    }
}
